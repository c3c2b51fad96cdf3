/**
 * Writes Keccak-f[1600]: for one state in 25 i64 locals, and for two states in the halves of 25 v128 locals.
 *
 * Layer: wasm. Source: FIPS 202 section 3; spec/hot-path.md section 5. Two rounds an iteration, from lanes `a` to
 * lanes `e` and back, so that no lane is ever copied; round constants come from a table.
 *
 * @module
 */

/** Rotation of lane `x + 5y`, FIPS 202 table 2 modulo 64. */
const ROTATIONS: readonly number[] = rotations();

function rotations(): number[] {
  const offsets = new Array<number>(25).fill(0);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    offsets[x + 5 * y] = ((t + 1) * (t + 2) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return offsets;
}

/** The 24 round constants, FIPS 202 section 3.2.5, by its linear feedback shift register. */
function roundConstants(): bigint[] {
  const constants: bigint[] = [];
  let state = 1;
  for (let round = 0; round < 24; round++) {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      if (state & 1) constant |= 1n << BigInt(2 ** j - 1);
      state = state & 0x80 ? (state << 1) ^ 0x171 : state << 1;
    }
    constants.push(constant);
  }
  return constants;
}

/**
 * Lanes that the one-state form keeps complemented, so that chi needs 8 negations a round and not 25: x86-64 has
 * and-not only for vectors. From the Keccak implementation overview, section 2.2.
 */
const COMPLEMENTED: ReadonlySet<number> = new Set([1, 2, 8, 12, 17, 20]);

/** Whether lane `lane` comes out of theta complemented. */
function isComplementedAfterTheta(lane: number): boolean {
  const column = (x: number) => [0, 5, 10, 15, 20].filter((y) => COMPLEMENTED.has(x % 5 + y)).length;
  return ((COMPLEMENTED.has(lane) ? 1 : 0) + column(lane % 5 + 4) + column(lane % 5 + 1)) % 2 === 1;
}

/** Lane of the input that pi moves to column `x` of row `y`. */
const laneBeforePi = (x: number, y: number) => (x + 3 * y) % 5 + 5 * x;

/** Chi of lane `x + 5y` on operands some of which are complemented; the result is, if the lane is to be. */
function complementedChi(x: number, y: number): string {
  const operand = (i: number) => ({
    name: `b${i % 5}`,
    flipped: isComplementedAfterTheta(laneBeforePi(i % 5, y)),
  });
  const [first, second, third] = [operand(x), operand(x + 1), operand(x + 2)];
  const flips = first!.flipped !== COMPLEMENTED.has(x + 5 * y);
  const not = (wanted: boolean, name: string) => wanted ? `~${name}` : name;
  // ~second & third, or its complement by De Morgan; with as few negations as there can be.
  const and = `(${not(!second!.flipped, second!.name)} & ${not(third!.flipped, third!.name)})`;
  const or = `(${not(second!.flipped, second!.name)} | ${not(!third!.flipped, third!.name)})`;
  const cost = (text: string) => text.split("~").length;
  const forms = [`${not(flips, first!.name)} ^ ${and}`, `${not(!flips, first!.name)} ^ ${or}`];
  return `(${forms.sort((a, b) => cost(a) - cost(b))[0]})`;
}

/** How the operations are written for one width. */
interface Width {
  readonly name: string;
  readonly type: string;
  readonly xor: (a: string, b: string) => string;
  /** Lane `x + 5y` of the output from `b0` to `b4`, row `y` after pi. */
  readonly chi: (x: number, y: number) => string;
  readonly complemented: ReadonlySet<number>;
  readonly rotate: (a: string, bits: number) => string;
  readonly constant: (at: string) => string;
}

const SINGLE: Width = {
  name: "keccakRounds",
  type: "u64",
  xor: (a, b) => `(${a} ^ ${b})`,
  chi: complementedChi,
  complemented: COMPLEMENTED,
  rotate: (a, bits) => bits === 0 ? a : `rotl<u64>(${a}, ${bits})`,
  constant: (at) => `load<u64>(${at})`,
};

const PAIR: Width = {
  name: "keccakPairRounds",
  type: "v128",
  xor: (a, b) => `v128.xor(${a}, ${b})`,
  chi: (x) => `v128.xor(b${x}, v128.andnot(b${(x + 2) % 5}, b${(x + 1) % 5}))`,
  complemented: new Set(),
  rotate: (a, bits) => bits === 0 ? a : `v128.or(i64x2.shl(${a}, ${bits}), i64x2.shr_u(${a}, ${64 - bits}))`,
  constant: (at) => `v128.load64_splat(${at})`,
};

/** One round from the lanes named `from` to the lanes named `to`. */
function round(w: Width, from: string, to: string, constant: string): string[] {
  const lines: string[] = [];
  for (let x = 0; x < 5; x++) {
    const column = [0, 5, 10, 15, 20].map((y) => `${from}${x + y}`);
    lines.push(`c${x} = ${column.reduce((a, b) => w.xor(a, b))};`);
  }
  for (let x = 0; x < 5; x++) {
    lines.push(`d${x} = ${w.xor(`c${(x + 4) % 5}`, w.rotate(`c${(x + 1) % 5}`, 1))};`);
  }
  for (let y = 0; y < 5; y++) {
    // Row y of the output takes its lanes from one diagonal of the input (pi).
    for (let x = 0; x < 5; x++) {
      const lane = laneBeforePi(x, y);
      lines.push(`t${x} = ${w.xor(`${from}${lane}`, `d${lane % 5}`)};`);
      lines.push(`b${x} = ${w.rotate(`t${x}`, ROTATIONS[lane]!)};`);
    }
    for (let x = 0; x < 5; x++) {
      const chi = w.chi(x, y);
      lines.push(`${to}${x + 5 * y} = ${x + y === 0 ? w.xor(chi, constant) : chi};`);
    }
  }
  return lines;
}

const declare = (type: string, name: string, count: number) =>
  `let ${Array.from({ length: count }, (_, i) => `${name}${i}: ${type}`).join(", ")};`;

/**
 * The function of one width: absorbs `blocks` blocks and permutes the state after each. With 0 for the address it only
 * permutes, for a state that was written with its block in it.
 */
function rounds(w: Width): string[] {
  const pair = w === PAIR;
  const lanes = Array.from({ length: 25 }, (_, i) => i);
  const flip = (i: number) => w.complemented.has(i) ? "~" : "";
  const load = (at: string, i: number) => pair ? `v128.load(${at}, ${16 * i})` : `load<u64>(${at}, ${8 * i})`;
  const absorb = (i: number) =>
    pair
      ? `a${i} = v128.xor(a${i}, v128.load64_lane(second, v128.load64_zero(first, ${8 * i}), 1, ${8 * i}));`
      : `a${i} = a${i} ^ load<u64>(first, ${8 * i});`;
  return [
    `export function ${w.name}(state: usize, first: usize${
      pair ? ", second: usize" : ""
    }, blocks: u32): void {`,
    ...["a", "e"].map((name) => declare(w.type, name, 25)),
    ...["b", "c", "d", "t"].map((name) => declare(w.type, name, 5)),
    ...lanes.map((i) => `a${i} = ${flip(i)}${load("state", i)};`),
    `for (; blocks != 0; blocks--) {`,
    `if (first != 0) {`,
    ...lanes.slice(0, 17).map(absorb),
    `first += 136;`,
    ...(pair ? ["second += 136;"] : []),
    `}`,
    `for (let at = ROUND_CONSTANTS; at < ROUND_CONSTANTS + 192; at += 16) {`,
    ...round(w, "a", "e", w.constant("at")),
    ...round(w, "e", "a", w.constant("at + 8")),
    `}`,
    `}`,
    ...lanes.map((i) =>
      pair ? `v128.store(state, a${i}, ${16 * i});` : `store<u64>(state, ${flip(i)}a${i}, ${8 * i});`
    ),
    `}`,
  ];
}

/** AssemblyScript of both widths. A state is 25 lanes of 8 bytes; a pair interleaves two lane by lane. */
export function keccakSource(): string {
  const constants = roundConstants().map((constant) => `0x${constant.toString(16)}`);
  return [
    `const ROUND_CONSTANTS: usize = memory.data<u64>([${constants.join(", ")}]);`,
    ...rounds(SINGLE),
    ...rounds(PAIR),
    "",
  ].join("\n");
}
