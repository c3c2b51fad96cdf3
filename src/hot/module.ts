/**
 * The compiled kernels: which of the two builds this machine can run.
 *
 * Layer: hot. Source: wasm/assembly. Both builds have the same exports; they differ in speed only.
 *
 * @module
 */

const SIMD_URL = new URL("../../wasm/hot.wasm", import.meta.url);
const SCALAR_URL = new URL("../../wasm/hot_scalar.wasm", import.meta.url);

/** Which build of the kernels. */
export type HotBuild = "simd" | "scalar";

/** `(module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt))`: valid only where SIMD is. */
const SIMD_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
]);

/** The build for this machine: SIMD needs SSE4.1 on x86-64. */
export function chooseBuild(): HotBuild {
  return WebAssembly.validate(SIMD_PROBE) ? "simd" : "scalar";
}

const urlOf = (build: HotBuild) => build === "simd" ? SIMD_URL : SCALAR_URL;

/** Reads and compiles the kernels. Needs read permission for `wasm/`. */
export async function loadModule(build: HotBuild): Promise<WebAssembly.Module> {
  return await WebAssembly.compile(await Deno.readFile(urlOf(build)));
}

/** As {@link loadModule}, on the spot: some milliseconds. */
export function loadModuleSync(build: HotBuild): WebAssembly.Module {
  return new WebAssembly.Module(Deno.readFileSync(urlOf(build)));
}
