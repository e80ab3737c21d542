import type { IncomingMessage } from 'node:http';
import type { Frame, ServerCloseCode } from '../protocol/index.js';
import { Outbox, type OutboxServices } from './outbox.js';
import type { Identity } from './identity.js';
import type { SessionSocket } from './session-socket.js';

/** The server's record of one connection, keyed by a generated id: from the upgrade to the departure. */
export class Session {
  /** Whether anything was heard since the last heartbeat. */
  alive = true;
  /** The tick of its next heartbeat; the heartbeat's own business. */
  nextPingTick = 0;
  /** Whether it has left: nothing is sent to it or in its name any more. */
  closed = false;
  /** Where the registry has its id as words; another's once it has ended. */
  idSlot = -1;
  /** How many arrivals and departures were told to it or before it came; the business of `messaging/`. */
  noticeOffset = 0;
  /** When it came, Unix time. */
  readonly openedAtMs = Date.now();
  readonly outbox: Outbox;

  constructor(
    readonly id: string,
    readonly socket: SessionSocket,
    request: IncomingMessage,
    services: OutboxServices,
  ) {
    this.outbox = new Outbox(this, request.socket, services);
  }

  /** @deprecated Use {@link closed}. */
  get ended(): boolean {
    return this.closed;
  }

  get identity(): Identity | undefined {
    return this.socket.identity;
  }

  /** Where the client is, as far as the proxies between are believed. */
  get address(): string {
    return this.identity?.address ?? '';
  }

  /** `sub` of its token. */
  get user(): string | undefined {
    return this.identity?.user;
  }

  /** Sends an encoded frame behind all that was sent before; does nothing once the session has ended. */
  send(frame: Frame): void {
    if (!this.closed) this.outbox.append(frame);
  }

  /** Ends the session politely: what waits is sent, then a close frame with the code and the reason of the table. */
  close(code: ServerCloseCode): void {
    this.socket.close(code);
  }

  /** Ends the session of a client that does not read: what still waits here is dropped. */
  shed(code: ServerCloseCode): void {
    this.outbox.discard();
    this.socket.close(code);
  }

  /** Stops reading what the client says until it reads what it is told. */
  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }
}
