import type { Frame } from '../protocol/index.js';
import type { ByteSink } from './connection.js';
import { FrameBatches } from './frame-batches.js';
import { OpenBatch } from './open-batch.js';
import type { Replay } from './resumption.js';

/** Bytes that the messages of one client may cause in a turn before the client is read from in the next turn only. */
const MAX_BYTES_PER_TURN = 1_048_576;
/** Bytes that a resumable session is sent again in one turn; the rest follows in later turns. */
const MAX_REPLAYED_BYTES_PER_TURN = 65_536;

/**
 * Frames for one session, in order. Frames gather during a tick and leave with one write, or wait, counted to the byte. The
 * replay buffer of a resumable session keeps what was written, and takes what waits while no connection is attached.
 *   append/reserve ─▶ sealed ─▶ open batch: sharedFrame | block ──flush, once a tick──▶ sink ─▶ kernel
 *                                                                                └────▶ replay
 */
export class Outbox extends OpenBatch {
  /** `undefined` while no connection is attached. */
  #sink: ByteSink | undefined;
  /** Batches before the open one; only while frames wait. */
  #sealed: FrameBatches | null = null;
  /** Bytes of this turn that were written early, because they fill more than a block, and those of broadcasts to others. */
  #turnBytes = 0;
  /** Whether frames must wait: no connection is attached, the sink has yet to emit `drain`, or the replay window is full. */
  #blocked = true;

  /** Bytes that wait for this session, in the outbox and in the sink. */
  get bufferedBytes(): number {
    return (this.#sealed?.bytes ?? 0) + this.used + (this.#sink?.writableLength ?? 0);
  }

  /** Whether messages to this session are refused, because too many bytes wait. */
  get overloaded(): boolean {
    return this.#blocked && !this.#hasRoom(0);
  }

  /** Whether messages may be added without asking {@link refuses}: a connection is attached and not overloaded. */
  get isDirect(): boolean {
    return !this.#blocked || (this.#sink !== undefined && this.#hasRoom(0));
  }

  /** Returns whether a message of so many bytes must be left out. */
  refuses(bytes: number): boolean {
    return this.#blocked && !this.#hasRoom(bytes);
  }

  /** Whether frames wait for a report of the client alone, because the window of the replay buffer is full. */
  get awaitsReport(): boolean {
    return this.#sink?.writableNeedDrain === false && this.replay?.isWindowFull === true;
  }

  /** Whether reading must wait for the next turn, because the outbox is full or the share of this turn is used up. */
  get saturated(): boolean {
    return this.#turnBytes > MAX_BYTES_PER_TURN || (this.overloaded && !this.awaitsReport);
  }

  /** Writes to the sink of a new connection from the end of this tick on, first what waits and what was not seen. */
  attach(sink: ByteSink): void {
    if (this.replay !== null) {
      this.#keepAll(this.replay);
      this.#sealed = this.replay.takeUnseen();
    }
    this.#sink = sink;
    if (this.#sealed === null && this.used === 0 && this.missed === null) {
      this.#blocked = false;
      this.#report();
    } else this.scheduleShared();
  }

  /** Keeps frames from now on until {@link attach}. Bytes that the sink holds already are not returned. */
  detach(): void {
    this.#sink = undefined;
    this.#blocked = true;
    if (this.replay !== null) this.#keepAll(this.replay);
    this.#report();
  }

  /** Writes on where the window of the replay buffer was full, because the client has seen some of it. */
  seen(): void {
    const sink = this.#sink;
    if (this.#blocked && sink?.writableNeedDrain === false) this.#drained(sink);
  }

  /** Moves all frames that wait into the replay buffer, and `sys.gap` where frames were missed, because another process sends them. */
  keepWaiting(): void {
    void this.addGap(); // most often nothing was missed
    if (this.replay !== null) this.#keepAll(this.replay);
  }

  /** Adds the one text frame written into the block of {@link reserve}, which ends at `end`. */
  commit(end: number): void {
    this.used = end;
    this.openFrames++;
    this.schedule();
  }

  /** Appends encoded frames behind all others. @param textFrames 0 for a control frame, more than 1 for joined frames */
  append(frame: Frame, textFrames: number): void {
    this.add(frame, textFrames);
    this.schedule();
  }

  /** Does the same as {@link append} for a frame of many sessions, which may leave some ticks later. */
  appendShared(frame: Frame, textFrames: number): void {
    this.add(frame, textFrames);
    this.scheduleShared();
  }

  /** Charges the share of this turn for bytes that other sessions receive in the name of this one. */
  chargeTurn(bytes: number): void {
    this.#turnBytes += bytes;
    this.schedule(); // the flush ends the turn
  }

  /** Writes the frames of this tick, unless frames must wait. */
  flush(): void {
    this.isScheduled = false;
    this.#turnBytes = 0;
    const { replay } = this;
    if (this.owner.closed) return this.discard();
    if (replay !== null && this.#sink === undefined) return this.#keepAll(replay);
    if (replay?.isWindowFull === true) this.#blocked = true;
    if (this.#blocked) return this.#report();
    if (replay !== null) this.addReport();
    this.#write(Infinity);
  }

  flushShared(): void {
    this.isSharedScheduled = false;
    const sink = this.#sink;
    if (this.#blocked && sink?.writableNeedDrain === false && !this.owner.closed) this.#drained(sink);
    else this.flush();
  }

  /** Writes everything, unless frames wait for a report of the client or a later turn. @returns whether nothing waits */
  flushWindow(): boolean {
    if (this.replay === null || !(this.#blocked || this.replay.isWindowFull)) this.flushAll();
    return this.#sealed === null && this.isEmpty;
  }

  /** Writes everything despite backpressure, because the close frame must stay last. */
  flushAll(): void {
    // No `drain` is awaited where the replay window alone was full.
    const wasFree = this.replay !== null && this.#blocked && this.#sink?.writableNeedDrain === false;
    this.#write(Infinity);
    if (wasFree) this.#awaitDrain(this.#sink!);
  }

  /** Drops all frames that wait in the outbox, because the session has ended or is shed. */
  discard(): void {
    if (this.replay !== null)
      this.#keepAll(this.replay); // the senders of unseen messages are notified
    else if (this.block !== null) this.services.blockPool.give(this.block);
    this.#sealed = null;
    this.clear();
    if (!this.#blocked) return;
    // Frames in the sink still count, until the sink emits `drain` or the connection is gone.
    this.#blocked = this.#sink === undefined || this.#sink.writableNeedDrain;
    this.#report();
  }

  fail(error: unknown): void {
    this.discard();
    this.owner.fail(error);
  }

  /** Closes the open batch. A free sink gets it at once, so that one tick needs little memory. */
  protected seal(): void {
    if (this.replay?.isWindowFull === true) this.#blocked = true;
    if (!this.#blocked) {
      this.#turnBytes += this.used;
      this.flushAll();
    }
    if (this.isEmpty) return;
    const sealed = (this.#sealed ??= new FrameBatches());
    if (this.sharedFrame !== null) sealed.push(this.sharedFrame, this.openFrames);
    else sealed.pushBlock(this.block!, this.used, this.openFrames, this.services.blockPool);
    this.clear();
  }

  #hasRoom(bytes: number): boolean {
    if (this.#sink !== undefined || this.replay === null)
      return this.bufferedBytes <= this.services.slowConsumers.highWaterBytes;
    return this.replay.fits(this.bufferedBytes + bytes);
  }

  /** Writes sealed batches up to so many bytes, then the open one where none is left. */
  #write(maxBytes: number): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (!sink.writable) {
      this.#blocked = true; // no `drain` follows: the frames wait for another connection or for the end of the session
      return;
    }
    if (this.#sealed !== null) {
      sink.cork();
      this.framesSent += this.#sealed.writeTo(sink, maxBytes, this.replay);
      if (this.#sealed.bytes === 0) {
        this.#sealed = null;
        this.writeOpen(sink);
      }
      sink.uncork();
    } else this.writeOpen(sink);
    if (sink.writableLength === 0) return;
    if (this.#blocked) this.#report();
    else this.#awaitDrain(sink);
  }

  /** Moves everything that waits into the replay buffer, as sent and not seen. */
  #keepAll(replay: Replay): void {
    this.#sealed?.moveTo(replay);
    this.#sealed = null;
    this.keepOpen(replay);
  }

  /** After `writableNeedDrain`, frames wait in the outbox until `drain`. */
  #awaitDrain(sink: ByteSink): void {
    if (!sink.writableNeedDrain) return;
    this.#blocked = true;
    sink.onceDrained(() => this.#drained(sink));
    this.#report();
  }

  /** Writes the frames that wait, and `sys.gap` behind them although no other frame follows. */
  #drained(sink: ByteSink): void {
    if (!this.#blocked || sink !== this.#sink) return;
    if (this.awaitsReport) return this.#report();
    this.#blocked = false;
    try {
      this.#write(this.replay === null ? Infinity : MAX_REPLAYED_BYTES_PER_TURN);
    } catch (error) {
      this.fail(error);
    }
    if (this.#sealed !== null && !this.#blocked) {
      this.#blocked = true;
      this.scheduleShared();
      return this.#report();
    }
    if (!this.#blocked) this.#report();
    if (!this.overloaded && !this.owner.closed && this.addGap()) this.schedule();
  }

  #report(): void {
    this.services.slowConsumers.report(this.owner, this.#blocked ? this.bufferedBytes : 0);
  }
}
