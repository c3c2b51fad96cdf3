/**
 * What is wrong with bytes of the Rootstock network, as a typed error.
 *
 * Layer: protocols/rootstock. Imports nothing. The cores of this room know neither transports nor the kernel; a
 * service maps these to its own errors.
 *
 * @module
 */

/** Where a fault lies. */
export interface RootstockFaultOptions extends ErrorOptions {
  /** Field that is meant. */
  readonly field?: string;
}

/** A fault on its way out of a decoder. Codes are stable, in lower case with dashes. */
export class RootstockFault extends Error {
  override readonly name = "RootstockFault";
  readonly code: string;
  readonly field?: string;

  constructor(code: string, message: string, options: RootstockFaultOptions = {}) {
    super(message, options);
    this.code = code;
    if (options.field !== undefined) this.field = options.field;
  }
}
