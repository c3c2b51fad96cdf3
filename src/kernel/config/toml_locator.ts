/**
 * Line numbers of the keys of a TOML document, which the parser does not give.
 *
 * Layer: kernel. Pure. Source: TOML 1.0. Only for text the parser has accepted: the scanner trusts its grammar.
 *
 * @module
 */

/** A key path as text: segments joined by NUL, which no TOML key can hold unescaped. */
export function pathId(path: readonly (string | number)[]): string {
  return path.join("\0");
}

/** Maps {@link pathId} of every key, table and array element to its line, counted from 1. */
export function locateKeys(text: string): ReadonlyMap<string, number> {
  return new Scanner(text).run();
}

class Scanner {
  readonly #text: string;
  readonly #lines = new Map<string, number>();
  readonly #tableCounts = new Map<string, number>();
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  run(): ReadonlyMap<string, number> {
    let table: (string | number)[] = [];
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      if (this.#peek() === "[") table = this.#header();
      else this.#keyValue(table);
    }
    return this.#lines;
  }

  #header(): (string | number)[] {
    const isArray = this.#text.startsWith("[[", this.#at);
    this.#at += isArray ? 2 : 1;
    const path = this.#resolve(this.#keyPath());
    if (isArray) {
      const index = this.#tableCounts.get(pathId(path)) ?? 0;
      this.#tableCounts.set(pathId(path), index + 1);
      path.push(index);
    }
    for (let depth = 1; depth <= path.length; depth++) this.#mark(path.slice(0, depth));
    this.#at += isArray ? 2 : 1;
    return path;
  }

  /** A header below an array of tables speaks of the array's newest element. */
  #resolve(keys: readonly string[]): (string | number)[] {
    const path: (string | number)[] = [];
    keys.forEach((key, i) => {
      path.push(key);
      const count = this.#tableCounts.get(pathId(path));
      if (count !== undefined && i < keys.length - 1) path.push(count - 1);
    });
    return path;
  }

  #keyValue(table: readonly (string | number)[]): void {
    const line = this.#line;
    const path = [...table, ...this.#keyPath()];
    for (let depth = table.length + 1; depth <= path.length; depth++) this.#mark(path.slice(0, depth), line);
    this.#skipSpace();
    this.#at++; // the equals sign
    this.#value(path);
  }

  #keyPath(): string[] {
    const keys: string[] = [];
    while (true) {
      this.#skipSpace();
      keys.push(this.#key());
      this.#skipSpace();
      if (this.#peek() !== ".") return keys;
      this.#at++;
    }
  }

  #key(): string {
    const quote = this.#peek();
    const start = this.#at;
    if (quote === '"' || quote === "'") {
      this.#skipString();
      const raw = this.#text.slice(start, this.#at);
      return quote === "'" ? raw.slice(1, -1) : unescapeKey(raw);
    }
    while (/[\w-]/.test(this.#peek())) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #value(path: (string | number)[]): void {
    this.#skipSpace();
    const first = this.#peek();
    if (first === '"' || first === "'") this.#skipString();
    else if (first === "[") this.#list("]", (index) => this.#element([...path, index]));
    else if (first === "{") this.#list("}", () => this.#keyValue(path));
    else while (this.#at < this.#text.length && !",]}#\n\r".includes(this.#peek())) this.#at++;
  }

  #element(path: (string | number)[]): void {
    this.#mark(path);
    this.#value(path);
  }

  #list(close: string, item: (index: number) => void): void {
    this.#at++;
    for (let index = 0;; index++) {
      this.#skipBlank();
      if (this.#peek() !== close && this.#at < this.#text.length) item(index);
      this.#skipBlank();
      if (this.#peek() !== ",") break;
      this.#at++;
    }
    this.#at++;
  }

  #skipString(): void {
    const quote = this.#peek();
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at);
    const end = isLong ? quote.repeat(3) : quote;
    this.#at += end.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      if (this.#peek() === "\n") this.#line++;
      // An escaped line end still ends a line, so only the backslash and a non-newline are skipped as a pair.
      if (quote === '"' && this.#peek() === "\\" && this.#text[this.#at + 1] !== "\n") this.#at++;
      this.#at++;
    }
    this.#at += end.length;
    // `""""` at the end of a long string: up to two quotes belong to the content.
    while (isLong && this.#peek() === quote) this.#at++;
  }

  #skipSpace(): void {
    while (this.#peek() === " " || this.#peek() === "\t") this.#at++;
  }

  #skipBlank(): void {
    while (this.#at < this.#text.length) {
      const c = this.#peek();
      if (c === "#") { while (this.#at < this.#text.length && this.#peek() !== "\n") this.#at++; }
      else if (c === "\n") {
        this.#line++;
        this.#at++;
      } else if (c === " " || c === "\t" || c === "\r" || c === "\uFEFF") this.#at++;
      else return;
    }
  }

  #mark(path: readonly (string | number)[], line = this.#line): void {
    const id = pathId(path);
    if (!this.#lines.has(id)) this.#lines.set(id, line);
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }
}

/** TOML's escapes in keys are JSON's plus a long form of code points. */
function unescapeKey(quoted: string): string {
  const json = quoted.replace(
    /\\U([0-9a-fA-F]{8})/g,
    (_, hex: string) => JSON.stringify(String.fromCodePoint(parseInt(hex, 16))).slice(1, -1),
  ).replaceAll("\t", "\\t");
  try {
    return JSON.parse(json);
  } catch {
    return quoted.slice(1, -1);
  }
}
