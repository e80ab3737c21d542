import type { Log } from '../../telemetry/log.js';
import { refusalOf } from './refusals.js';

/** The reason why there is no connection to NATS. */
export interface LinkFault {
  /** `refused` where NATS, or what it does not carry, keeps this node from its cluster until an operator acts. */
  readonly kind: 'lost' | 'refused';
  readonly reason: string;
}

/** Errors of an attempt where the server closes the connection before the client reads its reason. */
const CLOSED_AT_ONCE = /EPIPE|ECONNRESET/;

/** Logs the faults of the connection to NATS: each one once, because a faulty connection is tried again every second. */
export class LinkLog {
  #lastFault = '';

  constructor(private readonly log: Log) {}

  linked(server: string | undefined, link: number): void {
    this.#lastFault = '';
    this.log.info('linked', { server, link });
  }

  /** Logs a fault, unless it was the last one and no connection has worked since. */
  fault(level: 'warn' | 'error', message: string, reason: string): void {
    const fault = `${message}: ${reason}`;
    if (fault !== this.#lastFault) this.log[level](message, { reason });
    this.#lastFault = fault;
  }

  /** Logs that an attempt to connect has failed. @returns its fault */
  failedAttempt(error: string): LinkFault {
    const refusal = refusalOf(error);
    const reason = CLOSED_AT_ONCE.test(error)
      ? `${error}: NATS closes new connections; see its max_connections`
      : error;
    const message = refusal ?? 'cannot reach NATS';
    this.fault(refusal === undefined ? 'warn' : 'error', message, reason);
    return { kind: refusal === undefined ? 'lost' : 'refused', reason: `${message}: ${reason}` };
  }

  lameDuck(server: string): void {
    this.log.warn('NATS server is in lame duck mode and will close the connection', { server });
  }
}
