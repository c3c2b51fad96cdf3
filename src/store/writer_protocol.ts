/**
 * Messages between the main thread and the writer Worker.
 *
 * Layer: store. Types only.
 *
 * @module
 */

import type { WriteGroup } from "./write_group.ts";

/** To the Worker. */
export type WriterRequest =
  | { readonly kind: "attach"; readonly handle: bigint; readonly families: readonly string[] }
  | { readonly kind: "commit"; readonly id: number; readonly epoch: number; readonly group: WriteGroup };

/** From the Worker. Groups are answered in the order they came. */
export type WriterReply =
  | { readonly kind: "attached" }
  | { readonly kind: "attachFailed"; readonly message: string }
  | { readonly kind: "committed"; readonly id: number; readonly seconds: number }
  | {
    readonly kind: "failed";
    readonly id: number;
    readonly code: string | undefined;
    readonly message: string;
  }
  /** Not tried: a group before it in the same epoch failed. */
  | { readonly kind: "refused"; readonly id: number };
