/** Loads uWebSockets.js and rejects its silent fallback to `ws`. */
import { createRequire } from 'node:module';

const name = '@trufflesuite/uws-js-unofficial';

/** Exit code if there is no binary for the running Node. */
export const NO_BINARY = 69;

export const uWS = createRequire(import.meta.url)(name);

// The fallback has no native functions.
if (!/\[native code\]/.test(Function.prototype.toString.call(uWS.App))) {
  console.error(`${name} has no binary for Node ${process.version}`);
  process.exit(NO_BINARY);
}

/** Limits raised, because the defaults drop messages silently above 64 KiB of backpressure and close idle sessions. */
export const limits = { idleTimeout: 0, maxPayloadLength: 1024 * 1024, maxBackpressure: 64 * 1024 * 1024 };
