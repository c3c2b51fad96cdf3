/**
 * One run of the AssemblyScript compiler in a Worker of its own, so that both builds of the kernels are made at once.
 *
 * @module
 */

/// <reference lib="deno.worker" />

/** What to compile. */
export interface AscJob {
  readonly args: readonly string[];
  /** By path, as imports name them. */
  readonly sources: ReadonlyMap<string, string>;
}

/** What came of it. */
export interface AscResult {
  readonly written: ReadonlyMap<string, string | Uint8Array<ArrayBuffer>>;
  /** The compiler's own messages. */
  readonly said: string;
  readonly failed: boolean;
}

self.onmessage = async ({ data: { args, sources } }: MessageEvent<AscJob>) => {
  // Loaded here: the package waits at its top level, and a message that comes meanwhile finds no handler.
  const { default: asc } = await import("assemblyscript/asc");
  const said: string[] = [];
  const written = new Map<string, string | Uint8Array<ArrayBuffer>>();
  const sink = { write: (chunk: string | Uint8Array): boolean => said.push(String(chunk)) > 0 };
  const { error } = await asc.main([...args], {
    stdout: sink,
    stderr: sink,
    readFile: (name: string) => sources.get(name.replaceAll("\\", "/").replace(/^\.\//, "")) ?? null,
    writeFile: (name: string, contents: string | Uint8Array) =>
      void written.set(name, typeof contents === "string" ? contents : new Uint8Array(contents)),
    listFiles: () => [],
  });
  self.postMessage({ written, said: said.join(""), failed: error !== null } satisfies AscResult);
  self.close();
};
