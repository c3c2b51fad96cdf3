/**
 * Writes the SHA-256 compression functions: one message in u32 locals, and four messages in v128 locals.
 *
 * Layer: wasm. Source: FIPS 180-4 sections 4.1.2, 4.2.2, 6.2.2; spec/hot-path.md section 6. Sixty-four rounds and the
 * rolling schedule of sixteen words are unrolled; registers are renamed instead of moved. Words that are known when
 * the source is written (padding, bit lengths) are folded into the round constants, as is every schedule word that
 * follows from such words alone.
 *
 * State and words in memory are native u32; four lanes lie as v128, word after word.
 *
 * @module
 */

/** Leading 32 bits of the fractional part of a root of `prime`. */
function rootBits(prime: number, root: 2n | 3n): number {
  const scaled = BigInt(prime) << (32n * root);
  // Newton's method on integers, from above.
  let x = 1n << 40n;
  for (;;) {
    const next = ((root - 1n) * x + scaled / x ** (root - 1n)) / root;
    if (next >= x) return Number(x & 0xffffffffn);
    x = next;
  }
}

const PRIMES: readonly number[] = Array.from({ length: 312 }, (_, i) => i).filter((n) =>
  n > 1 && !Array.from({ length: n - 2 }, (_, i) => i + 2).some((d) => n % d === 0)
);

const ROUND_CONSTANTS: readonly number[] = PRIMES.slice(0, 64).map((prime) => rootBits(prime, 3n));
const INITIAL_STATE: readonly number[] = PRIMES.slice(0, 8).map((prime) => rootBits(prime, 2n));

/** A word of the message: a constant, or the expression that loads it. */
type Word = number | string;

/** One function to write. */
interface Variant {
  readonly name: string;
  readonly doc: string;
  readonly parameters: readonly string[];
  /** `undefined`: the chaining words are the initial state of the standard. */
  readonly state: string | undefined;
  /** Where the resulting chaining words go. */
  readonly out: string;
  readonly words: (ops: Operations) => readonly Word[];
}

/** How the operations of a round are written, for one message or for four. */
interface Operations {
  readonly type: string;
  readonly suffix: string;
  readonly add: (...terms: readonly string[]) => string;
  readonly xor: (...terms: readonly string[]) => string;
  readonly and: (x: string, y: string) => string;
  readonly choose: (mask: string, yes: string, no: string) => string;
  readonly rotate: (x: string, bits: number) => string;
  readonly shift: (x: string, bits: number) => string;
  readonly literal: (value: number) => string;
  /** The constant of a round; vectors load it, because materialising one takes several instructions. */
  readonly roundConstant: (table: string, round: number, value: number) => string;
  /** Word `index` of an array of native words. */
  readonly load: (address: string, index: number) => string;
  /** Word `index` of a big-endian message; four lanes get theirs transposed and swapped already. */
  readonly loadMessage: (address: string, index: number) => string;
  readonly store: (address: string, index: number, value: string) => string;
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;
const fold = (write: (x: string, y: string) => string) => (...terms: readonly string[]) =>
  terms.reduce(write);

const ONE: Operations = {
  type: "u32",
  suffix: "",
  add: fold((x, y) => `(${x} + ${y})`),
  xor: fold((x, y) => `(${x} ^ ${y})`),
  and: (x, y) => `(${x} & ${y})`,
  choose: (mask, yes, no) => `(${no} ^ (${mask} & (${yes} ^ ${no})))`,
  rotate: (x, bits) => `rotr<u32>(${x}, ${bits})`,
  shift: (x, bits) => `(${x} >> ${bits})`,
  literal: (value) => `<u32> ${hex(value)}`,
  roundConstant: (_table, _round, value) => `<u32> ${hex(value)}`,
  load: (address, index) => `load<u32>(${address}, ${4 * index})`,
  loadMessage: (address, index) => `bswap<u32>(load<u32>(${address}, ${4 * index}))`,
  store: (address, index, value) => `store<u32>(${address}, ${value}, ${4 * index})`,
};

const FOUR: Operations = {
  type: "v128",
  suffix: "4",
  add: fold((x, y) => `i32x4.add(${x}, ${y})`),
  xor: fold((x, y) => `v128.xor(${x}, ${y})`),
  and: (x, y) => `v128.and(${x}, ${y})`,
  choose: (mask, yes, no) => `v128.xor(${no}, v128.and(${mask}, v128.xor(${yes}, ${no})))`,
  rotate: (x, bits) => `v128.xor(i32x4.shr_u(${x}, ${bits}), i32x4.shl(${x}, ${32 - bits}))`,
  shift: (x, bits) => `i32x4.shr_u(${x}, ${bits})`,
  literal: (value) => `i32x4.splat(${hex(value)})`,
  roundConstant: (table, round) => `v128.load_splat<u32>(${table}, ${4 * round})`,
  load: (address, index) => `v128.load(${address}, ${16 * index})`,
  loadMessage: (address, index) => `v128.load(${address}, ${16 * index})`,
  store: (address, index, value) => `v128.store(${address}, ${value}, ${16 * index})`,
};

const range = <T>(count: number, write: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => write(i));

/** The end of a message: `filled` words of it, then the bit, zeros and the length. */
function padding(filled: number, messageBits: number): number[] {
  return [0x80000000, ...new Array<number>(14 - filled).fill(0), messageBits];
}

const VARIANTS: readonly Variant[] = [
  {
    name: "compress",
    doc: "One block of 64 bytes.",
    parameters: ["state", "block"],
    state: "state",
    out: "state",
    words: (ops) => range(16, (i) => ops.loadMessage("block", i)),
  },
  {
    name: "compressWords",
    doc: "A first block, of which the sixteen words are native already.",
    parameters: ["words", "out"],
    state: undefined,
    out: "out",
    words: (ops) => range(16, (i) => ops.load("words", i)),
  },
  {
    name: "compressPadding64",
    doc: "The second block of a message of 64 bytes: padding only, so the whole schedule is constant.",
    parameters: ["state"],
    state: "state",
    out: "state",
    words: () => padding(0, 512),
  },
  {
    name: "compressPadding80",
    doc: "The second block of a message of 80 bytes: its last 16 bytes and padding.",
    parameters: ["state", "block"],
    state: "state",
    out: "state",
    words: (ops) => [...range(4, (i) => ops.loadMessage("block", i)), ...padding(4, 640)],
  },
  {
    name: "compressDigest",
    doc: "The hash of eight native words: the second hash of a double one.",
    parameters: ["words", "out"],
    state: undefined,
    out: "out",
    words: (ops) => [...range(8, (i) => ops.load("words", i)), ...padding(8, 256)],
  },
];

const rotr = (x: number, bits: number) => (x >>> bits) | (x << (32 - bits));
const SMALL_SIGMA = [[7, 18, 3], [17, 19, 10]] as const;

function smallSigma(ops: Operations, which: 0 | 1, word: Word): Word {
  const [first, second, third] = SMALL_SIGMA[which];
  if (typeof word === "number") return (rotr(word, first) ^ rotr(word, second) ^ (word >>> third)) >>> 0;
  return ops.xor(ops.rotate(word, first), ops.rotate(word, second), ops.shift(word, third));
}

/** Adds words; what is constant among them becomes one constant. */
function sum(ops: Operations, words: readonly Word[]): Word {
  const constant = words.reduce<number>(
    (total, word) => typeof word === "number" ? (total + word) | 0 : total,
    0,
  );
  const terms = words.filter((word) => typeof word === "string");
  if (terms.length === 0) return constant >>> 0;
  if (constant !== 0) terms.push(ops.literal(constant));
  return ops.add(...terms);
}

function writeVariant(ops: Operations, variant: Variant): string {
  const { parameters, doc, out } = variant;
  // Four lanes of `compressPadding64` are `compressPadding64x4`.
  const name = variant.name + (/\d$/.test(variant.name) && ops.suffix !== "" ? "x" : "") + ops.suffix;
  const table = `CONSTANTS_${name.toUpperCase()}`;
  const lines: string[] = [];
  const constants: number[] = [];
  const words: Word[] = variant.words(ops).map((word, i) => {
    if (typeof word === "number") return word;
    lines.push(`  let w${i} = ${word};`);
    return `w${i}`;
  });
  const declared = new Set(words.filter((word) => typeof word === "string"));
  const initial = (i: number) =>
    variant.state === undefined ? ops.literal(INITIAL_STATE[i]!) : ops.load(variant.state, i);
  const names = [..."abcdefgh"];
  for (const [i, register] of names.entries()) lines.push(`  let ${register} = ${initial(i)};`);
  lines.push(`  let t: ${ops.type};`, `  let bc = ${ops.xor("b", "c")};`, `  let ab: ${ops.type};`);
  for (let round = 0; round < 64; round++) {
    const at = round % 16;
    if (round >= 16) {
      const word = sum(ops, [
        words[at]!,
        smallSigma(ops, 0, words[(at + 1) % 16]!),
        words[(at + 9) % 16]!,
        smallSigma(ops, 1, words[(at + 14) % 16]!),
      ]);
      if (typeof word === "string") {
        lines.push(`  ${declared.has(`w${at}`) ? "" : "let "}w${at} = ${word};`);
        declared.add(`w${at}`);
        words[at] = `w${at}`;
      } else words[at] = word;
    }
    const [a, b, , d, e, f, g, h] = names as [string, string, string, string, string, string, string, string];
    const word = words[at]!;
    const constant = (ROUND_CONSTANTS[round]! + (typeof word === "number" ? word : 0)) >>> 0;
    constants.push(constant);
    const terms = [h, ops.roundConstant(table, round, constant)];
    if (typeof word === "string") terms.push(word);
    terms.push(ops.choose(e, f, g), ops.xor(ops.rotate(e, 6), ops.rotate(e, 11), ops.rotate(e, 25)));
    lines.push(`  t = ${ops.add(...terms)};`);
    lines.push(`  ${d} = ${ops.add(d, "t")};`);
    // Majority with the exclusive or of two neighbours kept for the next round, in which they are b and c.
    lines.push(`  ab = ${ops.xor(a, b)};`);
    const majority = ops.xor(b, ops.and("ab", "bc"));
    lines.push(
      `  ${h} = ${ops.add("t", majority, ops.xor(ops.rotate(a, 2), ops.rotate(a, 13), ops.rotate(a, 22)))};`,
      `  bc = ab;`,
    );
    names.unshift(names.pop()!);
  }
  for (const [i, register] of [..."abcdefgh"].entries()) {
    lines.push(`  ${ops.store(out, i, ops.add(register, initial(i)))};`);
  }
  const literals = constants.map(hex).join(", ");
  return [
    ops === ONE ? "" : `const ${table}: usize = memory.data<u32>([${literals}]);\n`,
    `/** ${doc} */`,
    `export function ${name}(${parameters.map((parameter) => `${parameter}: usize`).join(", ")}): void {`,
    ...lines,
    "}",
    "",
  ].filter((line, i) => i > 0 || line !== "").join("\n");
}

/** Text of `unrolled_sha256.ts`. */
export function sha256Source(): string {
  return [ONE, FOUR].flatMap((ops) => VARIANTS.map((variant) => writeVariant(ops, variant))).join("\n");
}
