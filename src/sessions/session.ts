import { ABNORMAL, type Frame, type ServerCloseCode } from '../protocol/index.js';
import type { Connection } from './connection.js';
import type { Identity } from './identity.js';
import { Outbox, type OutboxServices } from './outbox.js';

/** The registry as a session sees it: ends the session and calls the listeners. */
export interface SessionOwner extends OutboxServices {
  end(session: Session, code: number): void;
}

/** The server's record of one client under a generated id. Connections may be attached to it one after another. */
export class Session {
  readonly outbox: Outbox;
  /** When the session opened, Unix time. */
  readonly openedAtMs = Date.now();

  /** Whether the session has ended: nothing is sent to it or in its name any more. Written by `SessionRegistry`. */
  closed = false;
  /** Tick of the next ping. Written by `Heartbeat`. */
  nextPingTick = 0;
  /** Bytes of its messages that wait inside the server. Written by `SlowConsumers`. */
  heldBytes = 0;
  /** How many notices of the log were sent to this session or precede it. Written by `NoticeLog`. */
  noticeOffset = 0;

  /** Written by {@link attach} and {@link detach}; kept after the end, because its traffic is still counted. */
  #connection: Connection | undefined;
  /** Whether bytes arrived since the last heartbeat. Written by {@link markAlive} and {@link takeAlive}. */
  #alive = true;

  /** @param idSlot where the id table has the id; the slot belongs to another session once this one has ended */
  constructor(
    readonly id: string,
    readonly idSlot: number,
    readonly identity: Identity,
    private readonly owner: SessionOwner,
  ) {
    this.outbox = new Outbox(this, owner);
  }

  /** @deprecated Use {@link closed}. */
  get ended(): boolean {
    return this.closed;
  }

  /** The attached connection; the last one where the session has ended. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Address of the client, resolved through trusted proxies. */
  get address(): string {
    return this.identity.address;
  }

  /** `sub` of the client's token. */
  get user(): string | undefined {
    return this.identity.user;
  }

  /** Sends over this connection from now on, beginning with the frames that wait in the outbox. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.outbox.attach(connection.sink);
  }

  /** Parts with the connection; frames wait in the outbox until another one is attached. */
  detach(): void {
    this.#connection = undefined;
    this.outbox.detach();
  }

  /**
   * Sends an encoded frame behind all that was sent before; does nothing once the session has ended.
   *
   * @param textFrames how many text frames `frame` holds; 0 for a control frame, more than 1 for joined frames
   */
  send(frame: Frame, textFrames = 1): void {
    if (!this.closed) this.outbox.append(frame, textFrames);
  }

  /** Ends the session: sends the frames that wait, then a close frame with this code and its reason. */
  close(code: ServerCloseCode): void {
    if (this.#connection === undefined) this.end(code);
    else this.#connection.close(code);
  }

  /** Ends the session of a client that does not read; drops the frames that wait in the outbox. */
  shed(code: ServerCloseCode): void {
    this.outbox.discard();
    this.close(code);
  }

  /** Removes the session from the registry and calls the listeners; does nothing once the session has ended. */
  end(code: number = ABNORMAL): void {
    this.owner.end(this, code);
  }

  /** Stops reading from the client. */
  pauseReading(): void {
    this.#connection?.pause();
  }

  resumeReading(): void {
    this.#connection?.resume();
  }

  /** Records that bytes arrived from the client. */
  markAlive(): void {
    this.#alive = true;
  }

  /** Returns whether bytes arrived since the last call. */
  takeAlive(): boolean {
    const alive = this.#alive;
    this.#alive = false;
    return alive;
  }
}
