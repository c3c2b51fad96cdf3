/**
 * Closes a client's channel so that nothing of it stays behind.
 *
 * Layer: rpc. Reaches into @grpc/grpc-js 1.14.7, which leaves timers behind in two cases.
 *
 * @module
 */

import type { Client } from "@grpc/grpc-js";

/** One connection of the library's channel. */
interface Subchannel {
  continueConnecting: boolean;
  readonly backoffTimeout: { stop(): void };
  unref(): void;
  /** Gives the pool's own hold up if nobody else has one. */
  unrefIfOneRef(): boolean;
}

/** The connections of one channel: it has a pool of its own (`grpc.use_local_subchannel_pool`). */
export interface SubchannelPool {
  readonly pool: Readonly<Record<string, readonly { readonly subchannel: Subchannel }[]>>;
  cleanupTimer: ReturnType<typeof setInterval> | null;
}

/** The connections of a client's channel; undefined before the library has made any part of it. */
export function subchannelPool(client: Client): SubchannelPool | undefined {
  const channel = client.getChannel() as unknown as {
    readonly internalChannel?: { readonly subchannelPool?: SubchannelPool };
  };
  return channel.internalChannel?.subchannelPool;
}

const subchannels = (pool: SubchannelPool | undefined) =>
  Object.values(pool?.pool ?? {}).flat().map(({ subchannel }) => subchannel);

/**
 * Closes a channel. One that waits to dial again would do so once more after that and leave a timer behind, because
 * the library stops a subchannel's back-off only when it connects; so it is told not to. One whose connection is still
 * held by something that ends later would be looked at every ten seconds until it is free; it is let go of when the
 * holder lets go.
 */
export function closeChannel(client: Client): void {
  const pool = subchannelPool(client);
  for (const subchannel of subchannels(pool)) {
    subchannel.continueConnecting = false;
    subchannel.backoffTimeout.stop();
  }
  client.close();
  // null once every connection is free, which it is but for rare moments.
  if (pool === undefined || pool.cleanupTimer === null) return;
  clearInterval(pool.cleanupTimer);
  pool.cleanupTimer = null;
  for (const subchannel of subchannels(pool)) {
    const unref = subchannel.unref.bind(subchannel);
    subchannel.unref = () => {
      unref();
      // The pool's hold is the last one, and is given up by a plain unref().
      subchannel.unref = unref;
      if (!subchannel.unrefIfOneRef()) subchannel.unref = again;
    };
    const again = subchannel.unref;
  }
}
