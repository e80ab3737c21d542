import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { MinimumRate } from '../../limits/minimum-rate.js';
import { takenBytes } from './taken-bytes.js';

/** Checks of a transfer within its period. */
const CHECKS_PER_PERIOD = 4;

/** A body that is received, or responses that are read. */
export interface Transfer {
  /** Returns the bytes so far; `undefined` while the transfer waits for this process. */
  bytes(): number | undefined;
  /** Returns the bytes that may be on their way to the peer, because of which it needs longer. */
  bytesOnTheWay(): number;
  /** Called once, where the transfer makes less progress than its rate. */
  stalled(): void;
}

/**
 * Watches the progress of a transfer: the bytes of each period must be those of a minimum rate. Time is counted in checks,
 * because checks stop while the process is paused: bytes that arrive during a pause are not late.
 */
export class TransferWatch {
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #checks = 0;

  constructor(
    private readonly rate: MinimumRate,
    periodMs: number,
    private readonly transfer: Transfer,
  ) {
    this.#bytes = transfer.bytes() ?? 0;
    this.#timer = setInterval(() => this.#check(), Math.ceil(periodMs / CHECKS_PER_PERIOD));
  }

  /** Begins a new period. */
  restart(): void {
    this.#bytes = this.transfer.bytes() ?? this.#bytes;
    this.#checks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const bytes = this.transfer.bytes();
    if (bytes === undefined || bytes - this.#bytes >= this.rate.bytesPerPeriod) return this.restart();
    const periods = 1 + this.rate.excusedPeriods(this.transfer.bytesOnTheWay());
    if (++this.#checks < periods * CHECKS_PER_PERIOD) return;
    this.stop();
    this.transfer.stalled();
  }
}

/** The body of a request. @param stalled called where the body is not complete */
export function bodyTransfer(request: IncomingMessage, socket: Socket, stalled: () => void): Transfer {
  return {
    bytes: () => (request.readableLength > 0 ? undefined : socket.bytesRead),
    bytesOnTheWay: () => 0,
    stalled: () => {
      if (!request.complete) stalled();
    },
  };
}

/** The responses to requests, and the bodies of these requests. @param stalled called where the client does not read */
export function responsesOf(socket: Socket, stalled: () => void): Transfer {
  return {
    bytes: () => takenBytes(socket) + socket.bytesRead,
    // Where all was taken, the client waits for the application.
    bytesOnTheWay: () => (socket.writableLength > 0 ? takenBytes(socket) : 0),
    stalled,
  };
}

/** Returns whether a request announces a body (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
