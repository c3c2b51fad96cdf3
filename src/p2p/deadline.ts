/**
 * A time limit that ends with its scope.
 *
 * Layer: p2p. `AbortSignal.timeout` would hold the process open until its time is over.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";

/** Joined with other signals; the reason of its own abort is `DEADLINE_EXCEEDED`. */
export class Deadline implements Disposable {
  readonly #over = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly signal: AbortSignal;

  constructor(signals: readonly AbortSignal[], timeoutMs: number) {
    this.signal = AbortSignal.any([this.#over.signal, ...signals]);
    this.#timer = setTimeout(() => {
      this.#over.abort(new CairnError("DEADLINE_EXCEEDED", `Cannot go on after ${timeoutMs} ms`));
    }, timeoutMs);
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
