/**
 * Writes the BLAKE3 compression function: on four messages at once, one a lane of each v128, and on a single message
 * with the state's rows in four v128 or its words in sixteen i32.
 *
 * Layer: wasm. Source: the BLAKE3 paper, section 2.2 and tables 1 and 2; spec/hot-path.md section 4. All seven rounds are
 * written out with the message permutation resolved, so no message word is ever moved.
 *
 * @module
 */

const ROUNDS = 7;

/** Table 2 of the paper: word `i` of the next round's message is word `PERMUTATION[i]` of this one's. */
const PERMUTATION: readonly number[] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/** Table 1 of the paper. */
const IV: readonly string[] = [
  ...["0x6a09e667", "0xbb67ae85", "0x3c6ef372", "0xa54ff53a"],
  ...["0x510e527f", "0x9b05688c", "0x1f83d9ab", "0x5be0cd19"],
];

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Index of the message word that stands at place `i` in each round. */
function schedule(): number[][] {
  const rounds = [range(16)];
  while (rounds.length < ROUNDS) rounds.push(PERMUTATION.map((from) => rounds.at(-1)![from]!));
  return rounds;
}

/** The state words that each of the eight G of a round works on: four columns, four diagonals. */
const COLUMNS = range(4).map((i) => [i, 4 + i, 8 + i, 12 + i] as const);
const DIAGONALS = range(4).map((i) => [i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4] as const);

/**
 * `v` with its words rotated right. A rotation by 16 is two native shuffles of halves; one by 8 would be a byte shuffle,
 * which V8 builds a mask for each time: shifts are a tenth faster over the whole hash.
 */
function rotateVector(v: string, bits: number): string {
  if (bits === 16) return `v128.shuffle<u16>(${v}, ${v}, 1, 0, 3, 2, 5, 4, 7, 6)`;
  return `v128.or(i32x4.shr_u(${v}, ${bits}), i32x4.shl(${v}, ${32 - bits}))`;
}

/**
 * Four G at once, step by step, so that neighbouring operations do not wait for each other. The message word is added to
 * `a` first, because `b` comes last: another tenth.
 */
function interleavedG(
  words: readonly (readonly [number, number, number, number])[],
  message: readonly number[],
  w: {
    readonly add: (a: string, b: string) => string;
    readonly xor: (a: string, b: string) => string;
    readonly rotate: (a: string, bits: number) => string;
    readonly word: (index: number) => string;
  },
): string[] {
  const lines: string[] = [];
  const each = (line: (g: readonly [number, number, number, number], i: number) => string) =>
    words.forEach((g, i) => lines.push(line(g, i)));
  for (const [half, rotateD, rotateB] of [[0, 16, 12], [1, 8, 7]] as const) {
    each(([a, b], i) => `v${a} = ${w.add(w.add(`v${a}`, w.word(message[2 * i + half]!)), `v${b}`)};`);
    each(([a, , , d]) => `v${d} = ${w.xor(`v${d}`, `v${a}`)};`);
    each(([, , , d]) => `v${d} = ${w.rotate(`v${d}`, rotateD)};`);
    each(([, , c, d]) => `v${c} = ${w.add(`v${c}`, `v${d}`)};`);
    each(([, b, c]) => `v${b} = ${w.xor(`v${b}`, `v${c}`)};`);
    each(([, b]) => `v${b} = ${w.rotate(`v${b}`, rotateB)};`);
  }
  return lines;
}

/** 4x4 transposition of the words of vectors named `from` into vectors named `to`. */
function transpose(from: readonly string[], to: readonly string[]): string[] {
  const shuffle = (a: string, b: string, lanes: string) => `v128.shuffle<u32>(${a}, ${b}, ${lanes})`;
  const [a, b, c, d] = from;
  return [
    `t0 = ${shuffle(a!, b!, "0, 4, 1, 5")};`,
    `t1 = ${shuffle(c!, d!, "0, 4, 1, 5")};`,
    `t2 = ${shuffle(a!, b!, "2, 6, 3, 7")};`,
    `t3 = ${shuffle(c!, d!, "2, 6, 3, 7")};`,
    `${to[0]} = ${shuffle("t0", "t1", "0, 1, 4, 5")};`,
    `${to[1]} = ${shuffle("t0", "t1", "2, 3, 6, 7")};`,
    `${to[2]} = ${shuffle("t2", "t3", "0, 1, 4, 5")};`,
    `${to[3]} = ${shuffle("t2", "t3", "2, 3, 6, 7")};`,
  ];
}

const declare = (type: string, names: readonly string[]) =>
  `let ${names.map((name) => `${name}: ${type}`).join(", ")};`;
const named = (prefix: string, count: number) => range(count).map((i) => `${prefix}${i}`);

/** Four messages of `blocks` blocks each, from `a`, `b`, `c`, `d`; four chaining values to `out`. */
function fourLanes(): string[] {
  const quarter = (q: number) => [
    ...["a", "b", "c", "d"].map((at, i) => `r${i} = v128.load(${at}, ${16 * q});`),
    ...transpose(named("r", 4), named("r", 4).map((_, i) => `m${4 * q + i}`)),
  ];
  const vector = {
    add: (a: string, b: string) => `i32x4.add(${a}, ${b})`,
    xor: (a: string, b: string) => `v128.xor(${a}, ${b})`,
    rotate: rotateVector,
    word: (index: number) => `v128.load(lanes, ${16 * index})`,
  };
  return [
    `export function blake3FourLanes(a: usize, b: usize, c: usize, d: usize, blocks: u32, key: usize,`,
    `  counterLow: v128, counterHigh: v128, flags: u32, startFlags: u32, endFlags: u32, lastBytes: u32,`,
    `  lanes: usize, out: usize): void {`,
    declare("v128", [
      ...named("h", 8),
      ...named("v", 16),
      ...named("m", 16),
      ...named("r", 4),
      ...named("t", 4),
    ]),
    ...range(8).map((i) => `h${i} = v128.load32_splat(key, ${4 * i});`),
    `let blockFlags = flags | startFlags;`,
    `for (; blocks != 0; blocks--) {`,
    `let bytes: u32 = 64;`,
    `if (blocks == 1) { blockFlags |= endFlags; bytes = lastBytes; }`,
    ...range(4).flatMap(quarter),
    ...range(16).map((i) => `v128.store(lanes, m${i}, ${16 * i});`),
    ...range(8).map((i) => `v${i} = h${i};`),
    ...range(4).map((i) => `v${8 + i} = i32x4.splat(${IV[i]});`),
    `v12 = counterLow; v13 = counterHigh;`,
    `v14 = i32x4.splat(bytes); v15 = i32x4.splat(blockFlags);`,
    ...schedule().flatMap((words) => [
      ...interleavedG(COLUMNS, words.slice(0, 8), vector),
      ...interleavedG(DIAGONALS, words.slice(8), vector),
    ]),
    ...range(8).map((i) => `h${i} = v128.xor(v${i}, v${8 + i});`),
    `blockFlags = flags;`,
    `a += 64; b += 64; c += 64; d += 64;`,
    `}`,
    ...[0, 4].flatMap((half) => [
      ...transpose(range(4).map((i) => `h${half + i}`), named("r", 4)),
      ...range(4).map((lane) => `v128.store(out, r${lane}, ${32 * lane + 4 * half});`),
    ]),
    `}`,
  ];
}

/** The message words `words` in one vector: at most three shuffles that take two lanes of each operand. */
function gather(words: readonly number[]): string {
  const two = (x: number, y: number): readonly [string, number, number] => {
    const [a, b] = [x >> 2, y >> 2];
    if (a === b) return [`m${a}`, x & 3, y & 3];
    return [`v128.shuffle<u32>(m${a}, m${b}, ${x & 3}, ${x & 3}, ${4 + (y & 3)}, ${4 + (y & 3)})`, 0, 2];
  };
  const [low, x, y] = two(words[0]!, words[1]!);
  const [high, z, w] = two(words[2]!, words[3]!);
  return `v128.shuffle<u32>(${low}, ${high}, ${x}, ${y}, ${4 + z}, ${4 + w})`;
}

const rotateLanes = (v: string, by: number) =>
  `v128.shuffle<u32>(${v}, ${v}, ${range(4).map((i) => (i + by) % 4).join(", ")})`;

/** Four G on the rows `r0` to `r3`. */
function rowG(even: string, odd: string): string[] {
  const half = (words: string, rotateD: number, rotateB: number) => [
    `r0 = i32x4.add(i32x4.add(r0, ${words}), r1);`,
    `r3 = v128.xor(r3, r0);`,
    `r3 = ${rotateVector("r3", rotateD)};`,
    `r2 = i32x4.add(r2, r3);`,
    `r1 = v128.xor(r1, r2);`,
    `r1 = ${rotateVector("r1", rotateB)};`,
  ];
  return [...half(even, 16, 12), ...half(odd, 8, 7)];
}

/** One block on a chaining value, by rows; the second half of the state goes out where extended output wants it. */
function singleRows(): string[] {
  return [
    `export function blake3Rows(chaining: usize, block: usize, counter: u64, bytes: u32, flags: u32, out: usize,`,
    `  extended: bool): void {`,
    declare("v128", [...named("r", 4), ...named("m", 4), ...named("e", 4)]),
    ...range(4).map((i) => `m${i} = v128.load(block, ${16 * i});`),
    `r0 = v128.load(chaining); r1 = v128.load(chaining, 16);`,
    `r2 = i32x4(${IV.slice(0, 4).join(", ")});`,
    `r3 = i32x4.replace_lane(i32x4.replace_lane(i64x2.splat(counter), 2, bytes), 3, flags);`,
    ...schedule().flatMap((words) => {
      const at = (first: number, half: number) => range(4).map((i) => words[8 * first + 2 * i + half]!);
      // The rows are turned so that the second one, on which everything waits, stays: lane 0 then holds the fourth
      // diagonal, and the message words turn with it.
      const turned = (half: number) => range(4).map((i) => words[8 + 2 * ((i + 3) % 4) + half]!);
      return [
        `e0 = ${gather(at(0, 0))}; e1 = ${gather(at(0, 1))};`,
        `e2 = ${gather(turned(0))}; e3 = ${gather(turned(1))};`,
        ...rowG("e0", "e1"),
        `r0 = ${rotateLanes("r0", 3)}; r3 = ${rotateLanes("r3", 2)}; r2 = ${rotateLanes("r2", 1)};`,
        ...rowG("e2", "e3"),
        `r0 = ${rotateLanes("r0", 1)}; r3 = ${rotateLanes("r3", 2)}; r2 = ${rotateLanes("r2", 3)};`,
      ];
    }),
    `v128.store(out, v128.xor(r0, r2)); v128.store(out, v128.xor(r1, r3), 16);`,
    `if (extended) {`,
    `v128.store(out, v128.xor(r2, v128.load(chaining)), 32);`,
    `v128.store(out, v128.xor(r3, v128.load(chaining, 16)), 48);`,
    `}`,
    `}`,
  ];
}

/** The same as {@link singleRows} in scalars. */
function singleWords(): string[] {
  const scalar = {
    add: (a: string, b: string) => `(${a} + ${b})`,
    xor: (a: string, b: string) => `(${a} ^ ${b})`,
    rotate: (a: string, bits: number) => `rotr<u32>(${a}, ${bits})`,
    word: (index: number) => `load<u32>(block, ${4 * index})`,
  };
  return [
    `export function blake3Words(chaining: usize, block: usize, counter: u64, bytes: u32, flags: u32, out: usize,`,
    `  extended: bool): void {`,
    declare("u32", named("v", 16)),
    ...range(8).map((i) => `v${i} = load<u32>(chaining, ${4 * i});`),
    ...range(4).map((i) => `v${8 + i} = ${IV[i]};`),
    `v12 = <u32> counter; v13 = <u32> (counter >> 32); v14 = bytes; v15 = flags;`,
    ...schedule().flatMap((words) => [
      ...interleavedG(COLUMNS, words.slice(0, 8), scalar),
      ...interleavedG(DIAGONALS, words.slice(8), scalar),
    ]),
    `if (extended) {`,
    ...range(8).map((i) => `store<u32>(out, v${8 + i} ^ load<u32>(chaining, ${4 * i}), ${32 + 4 * i});`),
    `}`,
    ...range(8).map((i) => `store<u32>(out, v${i} ^ v${8 + i}, ${4 * i});`),
    `}`,
  ];
}

/** AssemblyScript of all three, and the initial value as a key. */
export function blake3Source(): string {
  return [
    `export const BLAKE3_IV: usize = memory.data<u32>([${IV.join(", ")}], 16);`,
    ...fourLanes(),
    ...singleRows(),
    ...singleWords(),
    "",
  ].join("\n");
}
