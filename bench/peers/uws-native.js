/** Loads uWebSockets.js and refuses its silent fallback to `ws`, which would measure something else. */
import { createRequire } from 'node:module';

const name = '@trufflesuite/uws-js-unofficial';

/** Exits with this code when there is no binary for the running Node. */
export const NO_BINARY = 69;

export const uWS = createRequire(import.meta.url)(name);

// The fallback has no native function of its own to show.
if (!/\[native code\]/.test(Function.prototype.toString.call(uWS.App))) {
  console.error(`${name} has no binary for Node ${process.version}`);
  process.exit(NO_BINARY);
}

/** No limit may drop a message in silence, as the defaults do at 64 KiB waiting; no session is idle too long. */
export const limits = { idleTimeout: 0, maxPayloadLength: 1024 * 1024, maxBackpressure: 64 * 1024 * 1024 };
