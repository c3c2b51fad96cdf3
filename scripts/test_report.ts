/**
 * Reads the JUnit report of `deno test`.
 *
 * @module
 */

/** Outcome of one run of `deno test`. */
export interface Report {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests that did not run. */
  readonly skipped: readonly string[];
  /** Seconds of each file's tests; tests that a helper registers count as the helper's. */
  readonly files: readonly FileTime[];
}

/** How long the tests of one file took. */
export interface FileTime {
  readonly path: string;
  readonly seconds: number;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(
    /&(amp|lt|gt|quot|apos|#\d+);/g,
    (_, name: string) => name.startsWith("#") ? String.fromCodePoint(Number(name.slice(1))) : ENTITIES[name]!,
  );
}

/** Counts tests. Steps of a test are part of it and are not counted. An empty text is a run without tests. */
export function parseReport(xml: string): Report {
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  const files: FileTime[] = [];
  for (const suite of xml.split(/<testsuite /).slice(1)) {
    const seen: string[] = [];
    let seconds = 0;
    const cases = suite.matchAll(/<testcase name="([^"]*)"([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g);
    for (const [, escaped = "", attributes = "", body = ""] of cases) {
      const name = unescapeXml(escaped);
      if (seen.some((parent) => name.startsWith(`${parent} > `))) continue;
      seen.push(name);
      seconds += Number(/\btime="([\d.]+)"/.exec(attributes)?.[1] ?? 0);
      if (/<(failure|error)\b/.test(body)) failed++;
      else if (body.includes("<skipped")) skipped.push(name);
      else passed++;
    }
    files.push({ path: unescapeXml(/^name="([^"]*)"/.exec(suite)?.[1] ?? "").replace(/^\.\//, ""), seconds });
  }
  return { passed, failed, skipped, files };
}

/** One line on the files whose tests took longest. */
export function slowestLine(files: readonly FileTime[], most: number): string {
  const slowest = files.toSorted((a, b) => b.seconds - a.seconds).slice(0, most);
  return `Slowest: ${slowest.map(({ path, seconds }) => `${path} ${seconds.toFixed(0)} s`).join(", ")}`;
}

/**
 * A line on a test that was skipped. The reason is the end of its name, as in
 * `publish() takes real blocks (needs CAIRN_VECTORS)`.
 */
export function skipLine(name: string): string {
  return `Skipped: ${name}${/\(needs .+\)$/.test(name) ? "" : " (its name gives no reason)"}`;
}
