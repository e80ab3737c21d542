import type { Socket } from 'node:net';
import type { Block, Frame } from '../protocol/index.js';
import type { Session } from './session.js';
import type { SlowConsumers } from './slow-consumers.js';
import { LARGE_BLOCK_BYTES, type FlushScheduler } from './flush-scheduler.js';

/** What all outboxes of a process share. */
export interface OutboxServices {
  readonly flushScheduler: FlushScheduler;
  readonly slowConsumers: SlowConsumers;
}

/** Frames up to this size are copied beside their neighbours; longer ones are passed on as they are. */
const COPIED_BYTES = 2048;

/**
 * What one session has yet to be sent, in order. Frames gather here during a turn and leave with one write; while the
 * socket is full they wait here, counted to the byte.
 *
 *   append/reserve ─▶ parts ─▶ only | block ──flush, once a turn──▶ socket ─▶ kernel
 */
export class Outbox {
  /** Full pieces that wait before `#only` and the block. */
  #parts: Buffer[] | null = null;
  /** A single shared frame, the whole of what waits: a broadcast costs no copy. */
  #only: Frame | null = null;
  #block: Block | null = null;
  #used = 0;
  /** Bytes in `#parts`. */
  #partBytes = 0;
  #scheduled = false;
  /** Whether the socket is full and will say when it has drained. */
  #blocked = false;

  constructor(
    readonly session: Session,
    readonly socket: Socket,
    private readonly services: OutboxServices,
  ) {}

  /** Bytes that wait for this session, ours and the socket's. */
  get bufferedBytes(): number {
    return this.#partBytes + this.#openBytes + this.socket.writableLength;
  }

  /** Bytes of the piece that is still open: a shared frame or a block, never both. */
  get #openBytes(): number {
    return this.#only === null ? this.#used : this.#only.length;
  }

  /** Whether messages to this session are refused: it has more waiting than the operator allows. */
  get overloaded(): boolean {
    return (this.#blocked || this.#partBytes > 0) && this.bufferedBytes > this.services.slowConsumers.highWaterBytes;
  }

  /** Where the next byte goes in the block that {@link reserve} returned. */
  get used(): number {
    return this.#used;
  }

  /** Returns a block with room for `bytes` at {@link used}; nothing is sent before {@link commit}. */
  reserve(bytes: number): Block {
    if (this.#block !== null && this.#used + bytes <= this.#block.bytes.length) return this.#block;
    return this.#grow(bytes);
  }

  /** Ends what {@link reserve} began: the block is filled up to `end`. */
  commit(end: number): void {
    this.#used = end;
    this.#schedule();
  }

  /** Puts an encoded frame behind all others. */
  append(frame: Frame): void {
    if (this.#block === null && this.#only === null) this.#only = frame;
    else if (frame.length > COPIED_BYTES) {
      this.#seal();
      this.#only = frame;
    } else {
      const block = this.reserve(frame.length);
      block.bytes.set(frame, this.#used);
      this.#used += frame.length;
    }
    this.#schedule();
  }

  /** Sends the first frame at once, with the answer to the handshake that the socket holds back for it. */
  writeNow(frame: Frame): void {
    this.socket.write(frame);
    this.socket.uncork();
  }

  /** Writes what the turn gathered, unless the socket is full: then the rest waits until it has drained. */
  flush(): void {
    this.#scheduled = false;
    if (this.session.closed) this.discard();
    else if (this.#blocked) this.#account();
    else this.#write();
  }

  /** Hands everything to the socket, full or not, because nothing may come between it and what is written next. */
  flushAll(): void {
    this.#write();
  }

  /** Forgets what waits here: the session has ended or is shed. What the socket holds is cut with it. */
  discard(): void {
    if (this.#block !== null) this.services.flushScheduler.giveBlock(this.#block);
    this.#parts = this.#only = this.#block = null;
    this.#used = this.#partBytes = 0;
    if (this.#blocked) this.services.slowConsumers.report(this.session, 0);
    this.#blocked = false;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.services.flushScheduler.add(this);
  }

  /** Moves what is open to a larger block, or lets it go first where it is too much for one. */
  #grow(bytes: number): Block {
    const { flushScheduler } = this.services;
    if (this.#openBytes + bytes > LARGE_BLOCK_BYTES) this.#seal();
    const block = flushScheduler.takeBlock(this.#openBytes + bytes);
    if (this.#only !== null) {
      block.bytes.set(this.#only);
      this.#used = this.#only.length;
      this.#only = null;
    } else if (this.#block !== null) {
      block.bytes.set(this.#block.bytes.subarray(0, this.#used));
      flushScheduler.giveBlock(this.#block);
    }
    return (this.#block = block);
  }

  /** Closes the open piece; with the socket free it leaves at once, so that a turn's memory stays small. */
  #seal(): void {
    if (!this.#blocked) return this.#write();
    if (this.#only !== null) this.#push(this.#only);
    if (this.#block !== null) this.#pushBlock(this.#block, this.#used);
    this.#only = this.#block = null;
    this.#used = 0;
  }

  /** A block that is mostly empty is not kept waiting: what is counted is what is held, within a factor of two. */
  #pushBlock(block: Block, used: number): void {
    const filled = block.bytes.subarray(0, used);
    if (used * 2 >= block.bytes.length) return this.#push(filled);
    this.#push(Buffer.from(filled));
    this.services.flushScheduler.giveBlock(block);
  }

  #push(part: Buffer): void {
    (this.#parts ??= []).push(part);
    this.#partBytes += part.length;
  }

  #write(): void {
    const { socket } = this;
    if (!socket.writable) return this.discard();
    if (this.#parts !== null) {
      socket.cork();
      for (const part of this.#parts) socket.write(part);
      this.#parts = null;
      this.#partBytes = 0;
      this.#writeOpen(socket);
      socket.uncork();
    } else this.#writeOpen(socket);
    if (socket.writableLength > 0) this.#watch();
  }

  #writeOpen(socket: Socket): void {
    const only = this.#only;
    if (only !== null) {
      this.#only = null;
      socket.write(only);
    }
    const block = this.#block;
    if (block === null) return;
    this.#block = null;
    const used = this.#used;
    this.#used = 0;
    socket.write(block.bytes.subarray(0, used));
    if (socket.writableLength === 0) this.services.flushScheduler.giveBlock(block);
  }

  /** The socket kept something back: once it asks for patience, frames wait here until it has drained. */
  #watch(): void {
    if (!this.#blocked && this.socket.writableNeedDrain) {
      this.#blocked = true;
      this.socket.once('drain', () => this.#drained());
    }
    if (this.#blocked) this.#account();
  }

  #drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#write();
    if (!this.#blocked) this.#account();
  }

  #account(): void {
    this.services.slowConsumers.report(this.session, this.#blocked ? this.bufferedBytes : 0);
  }
}
