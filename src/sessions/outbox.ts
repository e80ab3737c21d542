import { gapFrame, type Block, type Frame, type Gap } from '../protocol/index.js';
import { COPIED_BYTES, LARGE_BLOCK_BYTES } from './block-pool.js';
import type { ByteSink } from './connection.js';
import type { Flushable } from './flush-scheduler.js';
import { FrameBatches } from './frame-batches.js';
import type { OutboxOwner, OutboxServices } from './outbox-services.js';

/** Bytes that the messages of one client may cause in a turn before the client is read from in the next turn only. */
const MAX_BYTES_PER_TURN = 1_048_576;

/**
 * Frames for one session, in order. Frames gather during a tick and leave with one write; while the sink is full, or no
 * connection is attached, they wait in the outbox, counted to the byte.
 *   append/reserve ─▶ sealed ─▶ open batch: sharedFrame | block ──flush, once a tick──▶ sink ─▶ kernel
 */
export class Outbox implements Flushable {
  /** Text frames written to connections so far, the first frame of each connection not counted. Not written by others. */
  framesSent = 0;
  /** Bytes of the open batch: the offset of the next byte in the block of {@link reserve}. Not written by others. */
  used = 0;
  /** `undefined` while no connection is attached. */
  #sink: ByteSink | undefined;
  /** Batches before the open one; only while frames wait. */
  #sealed: FrameBatches | null = null;
  /** The only frame of the open batch, shared with other outboxes, so that a broadcast costs no copy. */
  #sharedFrame: Frame | null = null;
  #block: Block | null = null;
  /** Text frames in the open batch. */
  #openFrames = 0;
  /** Bytes of this turn that were written early, because they fill more than a block, and those of broadcasts to others. */
  #turnBytes = 0;
  #scheduled = false;
  #sharedScheduled = false;
  /** Whether frames must wait: no connection is attached, or the sink has yet to emit `drain`. */
  #blocked = true;
  /** Frames missed behind the last one, by kind. `null` while there are none, as for nearly all sessions. */
  #missed: Record<keyof Gap, number> | null = null;

  constructor(
    private readonly owner: OutboxOwner,
    private readonly services: OutboxServices,
  ) {}

  /** Bytes that wait for this session, in the outbox and in the sink. */
  get bufferedBytes(): number {
    return (this.#sealed?.bytes ?? 0) + this.used + (this.#sink?.writableLength ?? 0);
  }

  /** Whether messages to this session are refused because more bytes wait than `OUTBOX_HIGH_WATER_BYTES`. */
  get overloaded(): boolean {
    return this.#blocked && this.bufferedBytes > this.services.slowConsumers.highWaterBytes;
  }

  /** Whether reading must wait for the next turn, because the outbox is full or the share of this turn is used up. */
  get saturated(): boolean {
    return this.#turnBytes > MAX_BYTES_PER_TURN || this.overloaded;
  }

  /** Writes to the sink of a new connection from the end of this tick on, beginning with the frames that wait. */
  attach(sink: ByteSink): void {
    this.#sink = sink;
    if (this.#sealed === null && this.used === 0 && this.#missed === null) this.#blocked = false;
    else setImmediate(() => this.#drained(sink));
  }

  /** Keeps frames from now on until {@link attach}. Bytes that the sink holds already are not returned. */
  detach(): void {
    this.#sink = undefined;
    this.#blocked = true;
  }

  /** Returns a block with room for `bytes` at {@link used}; nothing is sent before {@link commit}. */
  reserve(bytes: number): Block {
    if (this.#missed !== null) this.#add(this.#gapOf(this.#missed), 1);
    if (this.#block !== null && this.used + bytes <= this.#block.bytes.length) return this.#block;
    return this.#grow(bytes);
  }

  /** Adds the one text frame written into the reserved block, which ends at `end`. */
  commit(end: number): void {
    this.used = end;
    this.#openFrames++;
    this.#schedule();
  }

  /** Appends encoded frames behind all others. @param textFrames 0 for a control frame, more than 1 for joined frames */
  append(frame: Frame, textFrames: number): void {
    this.#add(frame, textFrames);
    this.#schedule();
  }

  /** Does the same as {@link append} for a frame of many sessions, which may leave some ticks later. */
  appendShared(frame: Frame, textFrames: number): void {
    this.#add(frame, textFrames);
    if (this.#sharedScheduled) return;
    this.#sharedScheduled = true;
    this.services.flushScheduler.addShared(this);
  }

  /** Counts a frame that is left out because the outbox is overloaded; `sys.gap` takes its place. */
  miss(kind: keyof Gap): void {
    (this.#missed ??= { messages: 0, notices: 0 })[kind]++;
  }

  #add(frame: Frame, textFrames: number): void {
    if (this.#missed !== null) this.#add(this.#gapOf(this.#missed), 1);
    const isOpen = this.#block !== null || this.#sharedFrame !== null;
    if (isOpen && frame.length > COPIED_BYTES) this.#seal();
    if (this.#block === null && this.#sharedFrame === null) {
      this.#sharedFrame = frame;
      this.used = frame.length;
    } else {
      const block = this.reserve(frame.length);
      block.bytes.set(frame, this.used);
      this.used += frame.length;
    }
    this.#openFrames += textFrames;
  }

  /** Charges the share of this turn for bytes that other sessions receive in the name of this one. */
  chargeTurn(bytes: number): void {
    this.#turnBytes += bytes;
    this.#schedule(); // the flush ends the turn
  }

  /** Writes the frames of this tick, unless the sink is full: then the frames wait until it has drained. */
  flush(): void {
    this.#scheduled = false;
    this.#turnBytes = 0;
    if (this.owner.closed) this.discard();
    else if (this.#blocked) this.#report();
    else this.flushAll();
  }

  flushShared(): void {
    this.#sharedScheduled = false;
    this.flush();
  }

  /** Writes everything despite backpressure, because the close frame must stay last. */
  flushAll(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (!sink.writable) {
      this.#blocked = true; // no `drain` follows: the frames wait for another connection or for the end of the session
      return;
    }
    if (this.#sealed !== null) {
      sink.cork();
      this.framesSent += this.#sealed.writeTo(sink);
      this.#sealed = null;
      this.#writeOpen(sink);
      sink.uncork();
    } else this.#writeOpen(sink);
    if (sink.writableLength > 0) this.#awaitDrain(sink);
  }

  /** Drops all frames that wait in the outbox, because the session has ended or is shed. */
  discard(): void {
    if (this.#block !== null) this.services.blockPool.give(this.#block);
    this.#sealed = this.#sharedFrame = this.#block = null;
    this.used = this.#openFrames = 0;
    if (!this.#blocked) return;
    // Frames in the sink still count, until the sink emits `drain` or the connection is gone.
    this.#blocked = this.#sink === undefined || this.#sink.writableNeedDrain;
    this.#report();
  }

  fail(error: unknown): void {
    this.discard();
    this.owner.fail(error);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.services.flushScheduler.add(this);
  }

  /** Moves the open batch to a larger block, or seals it where both together exceed a large block. */
  #grow(bytes: number): Block {
    const { blockPool } = this.services;
    if (this.used + bytes > LARGE_BLOCK_BYTES) this.#seal();
    const block = blockPool.take(this.used + bytes);
    if (this.#sharedFrame !== null) block.bytes.set(this.#sharedFrame);
    else if (this.#block !== null) blockPool.move(this.#block, this.used, block);
    this.#sharedFrame = null;
    return (this.#block = block);
  }

  /** Closes the open batch. A free sink gets it at once, so that one tick needs little memory. */
  #seal(): void {
    if (!this.#blocked) {
      this.#turnBytes += this.used;
      this.flushAll();
    }
    if (this.#sharedFrame === null && this.#block === null) return;
    const sealed = (this.#sealed ??= new FrameBatches());
    if (this.#sharedFrame !== null) sealed.push(this.#sharedFrame, this.#openFrames);
    else sealed.pushBlock(this.#block!, this.used, this.#openFrames, this.services.blockPool);
    this.#sharedFrame = this.#block = null;
    this.used = this.#openFrames = 0;
  }

  #writeOpen(sink: ByteSink): void {
    this.framesSent += this.#openFrames;
    this.#openFrames = 0;
    const shared = this.#sharedFrame;
    const block = this.#block;
    const used = this.used;
    this.#sharedFrame = this.#block = null;
    this.used = 0;
    if (shared !== null) sink.send(shared, shared.length);
    if (block === null) return;
    sink.send(block.bytes, used);
    if (sink.writableLength === 0) this.services.blockPool.give(block);
  }

  /** After `writableNeedDrain`, frames wait in the outbox until `drain`. */
  #awaitDrain(sink: ByteSink): void {
    if (!this.#blocked && sink.writableNeedDrain) {
      this.#blocked = true;
      sink.onceDrained(() => this.#drained(sink));
    }
    if (this.#blocked) this.#report();
  }

  /** Writes the frames that wait, and `sys.gap` behind them although no other frame follows. */
  #drained(sink: ByteSink): void {
    if (!this.#blocked || sink !== this.#sink) return;
    this.#blocked = false;
    try {
      this.flushAll();
    } catch (error) {
      this.fail(error);
    }
    if (!this.#blocked) this.#report();
    if (this.#missed === null || this.overloaded || this.owner.closed) return;
    this.append(this.#gapOf(this.#missed), 1);
  }

  #gapOf(missed: Record<keyof Gap, number>): Frame {
    this.#missed = null;
    return gapFrame(this.owner.id, missed);
  }

  #report(): void {
    this.services.slowConsumers.report(this.owner, this.#blocked ? this.bufferedBytes : 0);
  }
}
