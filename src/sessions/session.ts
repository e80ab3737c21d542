import { checkClose, isFrame, type Frame, type ServerCloseCode } from '../protocol/index.js';
import type { Connection } from './connection.js';
import type { Identity, TokenClaims } from './identity.js';
import type { OutboxServices } from './outbox-services.js';
import { Outbox } from './outbox.js';
import { PAUSE, type PauseReason } from './pause-reasons.js';
import type { Resumption } from './resumption.js';
import type { SessionRateLimiter } from './session-rate-limiter.js';
import type { SessionWork } from './session-work.js';

/** The registry as a session sees it: ends the session and calls the listeners. */
export interface SessionOwner extends OutboxServices {
  end(session: Session, code: number): void;
  drop(session: Session, code: number): void;
  fail(session: Session, error: unknown): void;
}

/** The server's record of one client under a generated id. Connections may be attached to it one after another. */
export class Session {
  readonly outbox: Outbox;

  /** Whether the session has ended: nothing is sent to it or in its name any more. Written by `SessionRegistry`. */
  closed = false;
  /** Whether others have been notified of its arrival. Written by `SessionRegistry`. */
  announced = false;
  /** Whether code that works for this session has thrown. Written by `SessionRegistry`. */
  failed = false;
  /** Tick of the next ping. Written by `Heartbeat`. */
  nextPingTick = 0;
  /** Bytes of its messages that wait inside the server. Written by `SlowConsumers`. */
  heldBytes = 0;
  /** Resolves when the handled messages of the session may run. Written by `SessionHooks`; `undefined` once it has. */
  arriving: Promise<void> | undefined = undefined;
  /** Calls of the session that have not ended. Written by `SessionCalls` with the first one. */
  work: SessionWork | undefined = undefined;
  /** `undefined` where all rate limits are off. Written by `SessionStart`. */
  rateLimiter: SessionRateLimiter | undefined = undefined;
  /** How many notices of the log were sent to this session or precede it. Written by `NoticeLog`. */
  noticeOffset = 0;

  /** Written by {@link attach} and {@link detach}; kept after the end, because its traffic is still counted. */
  #connection: Connection | undefined;
  /** Written by {@link makeResumable}. */
  #resumption: Resumption | null = null;
  /** Whether bytes arrived since the last heartbeat. Written by {@link markAlive}, {@link takeAlive}. */
  #alive = true;
  /** Bits of {@link PAUSE}. Written by {@link pauseReading} and {@link resumeReading}. */
  #pauses = 0;

  /** @param idSlot where the id table has the id; the slot belongs to another session once this one has ended */
  constructor(
    readonly id: string,
    readonly idSlot: number,
    /** Replaced when the client comes back, because its address and its token may be others. Written by `Resumptions`. */
    public identity: Identity,
    private readonly owner: SessionOwner,
    /** When the session opened, Unix time. */
    readonly openedAtMs = Date.now(),
  ) {
    this.outbox = new Outbox(this, owner);
  }

  /** Whether a client is connected; `away` where the connection was lost and the client may come back. */
  get state(): 'open' | 'away' | 'closed' {
    if (this.closed) return 'closed';
    return this.#connection === undefined && this.#resumption !== null ? 'away' : 'open';
  }

  /** State by which the client may come back after its connection was lost; `null` where the client has not asked for it. */
  get resumption(): Resumption | null {
    return this.#resumption;
  }

  /** @deprecated Use {@link closed}. */
  get ended(): boolean {
    return this.closed;
  }

  /** The attached connection; the last one where the session has ended; `undefined` while the session is away. */
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

  /** Claims of the client's token, or those that a `ConnectGuard` supplied. */
  get claims(): TokenClaims | undefined {
    return this.identity.claims;
  }

  /** Bytes that its connection has taken to send. */
  get takenBytes(): number {
    return this.#connection?.takenBytes ?? 0;
  }

  /** Whether frames wait for a report of the client alone. */
  get awaitsReport(): boolean {
    return this.outbox.awaitsReport;
  }

  /** Bytes of those taken that the client has read for certain. */
  get confirmedBytes(): number {
    return this.#connection?.confirmedBytes ?? 0;
  }

  /** Bytes sent over its connection, with those that still wait. */
  get sentBytes(): number {
    if (this.#connection === undefined) return 0;
    const { bytesWritten, sink } = this.#connection;
    return bytesWritten + this.outbox.bufferedBytes - sink.writableLength;
  }

  /** Lets the client come back. Call it before a connection is attached. */
  makeResumable(resumption: Resumption): void {
    this.#resumption = resumption;
    this.outbox.replay = resumption.replay;
  }

  /** Sends over this connection from now on, beginning with the frames that wait in the outbox. */
  attach(connection: Connection): void {
    this.#connection = connection;
    if (this.#pauses !== 0) connection.stopReading();
    this.outbox.attach(connection.sink);
  }

  /** Writes the first frame of a connection at once, with the handshake response that the sink holds back for it. */
  sendNow(frame: Frame): void {
    const sink = this.#connection?.sink;
    sink?.send(frame, frame.length);
    sink?.uncork();
  }

  /** Parts with the connection; frames wait in the outbox until another one is attached. */
  detach(): void {
    this.#connection = undefined;
    this.#pauses &= ~PAUSE.application; // the application paused the lost connection
    this.outbox.detach();
  }

  /**
   * Sends an encoded frame behind all that was sent before; does nothing once the session has ended.
   *
   * @param textFrames how many text frames `frame` holds; 0 for a control frame, more than 1 for joined frames
   * @throws {TypeError} for what is not an encoded frame; applications send with `Switchboard.send`
   */
  send(frame: Frame, textFrames = 1): void {
    if (!isFrame(frame))
      throw new TypeError('session.send takes an encoded frame; use Switchboard.send(SERVER, session.id, type, data)');
    if (!this.closed) this.outbox.append(frame, textFrames);
  }

  /** Does the same as {@link send} for a frame of many sessions, which may leave some ticks later. */
  sendShared(frame: Frame, textFrames = 1): void {
    if (!this.closed) this.outbox.appendShared(frame, textFrames);
  }

  /** Counts a message to many that the session is not sent; `sys.gap` takes its place. Does nothing once it has ended. */
  missMessage(): void {
    if (!this.closed) this.outbox.miss('messages');
  }

  /** Returns whether a notice of so many bytes must be left out. */
  refusesNotice(bytes: number): boolean {
    return this.outbox.refuses(bytes) || (this.state === 'away' && !this.#resumption!.replay.takesNotices);
  }

  /** Sends a notice as {@link sendShared} does, or counts it where it is refused; `sys.gap` takes its place then. */
  sendNotice(frame: Frame): void {
    if (this.closed) return;
    if (this.refusesNotice(frame.length)) this.outbox.miss('notices');
    else this.outbox.appendShared(frame, 1);
  }

  /**
   * Ends the session: sends the frames that wait, then a close frame with this code and its reason.
   *
   * @throws {RangeError} for a code that no close frame may have; the session stays open
   */
  close(code: ServerCloseCode): void {
    checkClose(code ?? null); // must refuse `undefined`, which `checkClose` accepts
    if (this.#connection === undefined) this.owner.end(this, code);
    else this.#connection.close(code);
  }

  /**
   * Ends the session of a client that does not read; drops the frames that wait in the outbox. Cuts the connection
   * where the session has ended already.
   */
  shed(code: ServerCloseCode): void {
    if (this.closed) this.#connection?.terminate();
    this.owner.drop(this, code);
    this.outbox.discard();
    this.close(code);
  }

  /** Logs what code that works for this session has thrown, and closes the session with 1011. Never throws. */
  fail(error: unknown): void {
    this.owner.fail(this, error);
  }

  /** Stops reading from the client for this reason; does nothing once the session has ended. */
  pauseReading(reason: PauseReason): void {
    if (this.closed) return;
    if (this.#pauses === 0) this.#connection?.stopReading();
    this.#pauses |= PAUSE[reason];
  }

  /** Takes back a reason of {@link pauseReading}; reads again when it was the last one. */
  resumeReading(reason: PauseReason): void {
    this.#resume(this.#pauses & ~PAUSE[reason]);
  }

  /** Stops reading from the client until the next turn; does nothing where it has stopped for that already. */
  pauseForTurn(): void {
    if (this.closed || (this.#pauses & PAUSE.turn) !== 0) return;
    this.pauseReading('turn');
    setImmediate(() => this.resumeReading('turn'));
  }

  /** Reads again whatever paused it, because the client's answer to a close frame must be read. */
  resumeForClose(): void {
    this.#resume(0);
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

  #resume(pauses: number): void {
    if (this.#pauses === pauses) return;
    this.#pauses = pauses;
    if (pauses === 0) this.#connection?.startReading();
  }
}
