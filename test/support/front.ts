import type { Daemon } from './daemon.js';

/** A proxy that ends TLS in front of the application. */
export interface Front {
  /** `wss://localhost:PORT/wss` */
  readonly url: string;
  /** The authority of its certificate. */
  readonly caFile: string;
  readonly process: Daemon;
  stop(): Promise<void>;
}
