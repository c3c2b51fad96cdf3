/**
 * What a service declares to get a column family.
 *
 * Layer: store.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";

/** Declares one column family. */
export interface FamilySpec {
  /** `<service>.<thing>` in lower case, such as `blocks.items`. Never reuse a retired name for something else. */
  readonly name: string;
  /**
   * Rough size of the values. `large` is for values from about 16 KiB on, read one at a time: bigger write buffers and
   * no cache of their own. May change between runs.
   *
   * @default {"small"}
   */
  readonly values?: "small" | "large";
  /**
   * `ascending` is for small values that do not compress under keys that only grow, such as hashes by height: written
   * once, moved down as files, never compressed; write buffers as for large values. Other orders cost time, nothing
   * else. May change between runs.
   *
   * @default {"any"}
   */
  readonly keys?: "any" | "ascending";
}

/** RocksDB joins names with `, ` in its messages and `[]"` delimit them in its files, so a name has none of these. */
const NAME = /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/;

/**
 * @returns The names, in order.
 * @throws {RangeError} If a name is malformed or declared twice: a fault of the program, not of the operator.
 */
export function familyNames(families: readonly FamilySpec[]): string[] {
  const names = families.map((family) => family.name);
  for (const [i, name] of names.entries()) {
    if (!NAME.test(name)) {
      throw new RangeError(`Cannot declare column family '${name}': expected '<service>.<thing>'`);
    }
    if (names.indexOf(name) !== i) throw new RangeError(`Cannot declare column family '${name}' twice`);
  }
  return names;
}

/** The error of asking for a family that was not declared at open. */
export function unknownFamily(name: string): CairnError {
  return new CairnError("STORE_FAMILY_UNKNOWN", `Cannot use column family '${name}': not declared at open`, {
    detail: { family: name },
  });
}

/** The error of using an engine after its disposal. */
export function storeClosed(action: string): CairnError {
  return new CairnError("STORE_CLOSED", `Cannot ${action}: the store is closed`);
}
