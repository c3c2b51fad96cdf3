/**
 * Cairn as a library: errors, and the shapes of services and of the storage engine.
 *
 * @example A failure carries a stable code
 * ```ts
 * import { CairnError } from "./mod.ts";
 * const error = new CairnError("BLOCK_NOT_FOUND", "Cannot get block 7", { hint: "The node holds 0 to 6" });
 * if (error.mapping.http !== 404) throw new Error("expected 404");
 * ```
 *
 * @module
 */

export {
  CairnError,
  type CairnErrorOptions,
  type CodeMapping,
  CODES,
  type ErrorCode,
  GRPC_STATUS,
  toCairnError,
} from "./src/kernel/errors.ts";
export type { LogFields, Logger, LogLevel } from "./src/kernel/log.ts";
export type { Context, Readiness, Service } from "./src/kernel/service.ts";
export type { Engine, Entry, Family, Operation, ScanOptions, WriteOptions } from "./src/store/engine.ts";
