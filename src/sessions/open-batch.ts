import { gapFrame, type Block, type Frame, type Gap } from '../protocol/index.js';
import { COPIED_BYTES, LARGE_BLOCK_BYTES, MEDIUM_BLOCK_BYTES } from './block-pool.js';
import type { ByteSink } from './connection.js';
import type { Flushable } from './flush-scheduler.js';
import type { OutboxOwner, OutboxServices } from './outbox-services.js';
import type { Replay } from './resumption.js';

/**
 * The frames of one session that leave with its next write: one shared frame, so that a broadcast costs no copy, or any
 * frames, copied into a block.
 */
export abstract class OpenBatch implements Flushable {
  /** Text frames written to connections so far, the first frame of each connection not counted. Not written by others. */
  framesSent = 0;
  /** Keeps what the client has not seen; `null` for a session that cannot come back. Written by `Session`. */
  replay: Replay | null = null;
  /** Bytes of the batch: the offset of the next byte in the block of {@link reserve}. Not written by others. */
  used = 0;
  /** The only frame of the batch, shared with other outboxes. */
  protected sharedFrame: Frame | null = null;
  protected block: Block | null = null;
  /** Text frames in the batch. */
  protected openFrames = 0;
  /** Frames missed behind the last one, by kind. `null` while there are none, as for nearly all sessions. */
  protected missed: Record<keyof Gap, number> | null = null;
  /** Whether {@link flush} is scheduled. Written by {@link schedule} and {@link flush}. */
  protected isScheduled = false;
  /** Whether {@link flushShared} is scheduled. Written by {@link scheduleShared} and {@link flushShared}. */
  protected isSharedScheduled = false;

  constructor(
    protected readonly owner: OutboxOwner,
    protected readonly services: OutboxServices,
  ) {}

  abstract flush(): void;
  abstract flushShared(): void;
  abstract fail(error: unknown): void;

  /** Closes the batch, because the next frame does not belong to it. */
  protected abstract seal(): void;

  /** Whether nothing is in the batch. */
  protected get isEmpty(): boolean {
    return this.block === null && this.sharedFrame === null;
  }

  /** Counts frames that are left out because too many bytes wait; `sys.gap` takes their place. */
  miss(kind: keyof Gap, frames = 1): void {
    (this.missed ??= { messages: 0, notices: 0 })[kind] += frames;
  }

  /**
   * Calls back once frames need no longer wait, and perhaps before. The listener must not write to the session. Returns a
   * function that cancels.
   */
  onceDrained(listener: () => void): () => void {
    return this.services.slowConsumers.onceDrained(this.owner, listener);
  }

  /** Returns a block with room for `bytes` at {@link used}; nothing is sent before `commit`. */
  reserve(bytes: number): Block {
    if (this.missed !== null) this.#addGap(this.missed);
    if (this.block !== null && this.used + bytes <= this.block.bytes.length) return this.block;
    return this.#grow(bytes);
  }

  /** Adds encoded frames. @param textFrames 0 for a control frame, more than 1 for joined frames */
  protected add(frame: Frame, textFrames: number): void {
    if (this.missed !== null) this.#addGap(this.missed);
    if (!this.isEmpty && frame.length > COPIED_BYTES) this.seal();
    if (this.isEmpty) {
      this.sharedFrame = frame;
      this.used = frame.length;
    } else {
      const block = this.reserve(frame.length);
      block.bytes.set(frame, this.used);
      this.used += frame.length;
    }
    this.openFrames += textFrames;
  }

  /** Adds `sys.gap` although no other frame follows. @returns `false` where no frame was missed */
  protected addGap(): boolean {
    if (this.missed === null) return false;
    this.#addGap(this.missed);
    return true;
  }

  /** Adds the report of received frames to a batch that is written anyway, where it is due soon and little must be copied. */
  protected addReport(): void {
    const isCheap = !this.isEmpty && this.used <= (this.sharedFrame === null ? MEDIUM_BLOCK_BYTES : COPIED_BYTES);
    const report = isCheap ? this.owner.resumption!.takeReport() : null;
    if (report !== null) this.add(report, 0);
  }

  protected schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.services.flushScheduler.add(this);
  }

  protected scheduleShared(): void {
    if (this.isSharedScheduled) return;
    this.isSharedScheduled = true;
    this.services.flushScheduler.addShared(this);
  }

  /** Writes the batch, and keeps it in the replay buffer of a resumable session. */
  protected writeOpen(sink: ByteSink): void {
    const { sharedFrame, block, used, openFrames, replay } = this;
    this.framesSent += openFrames;
    this.clear();
    if (sharedFrame !== null) {
      sink.send(sharedFrame, sharedFrame.length);
      replay?.push(sharedFrame, openFrames);
    }
    if (block === null) return;
    sink.send(block.bytes, used);
    const isKept = replay !== null && replay.pushBlock(block, used, openFrames);
    if (!isKept && sink.writableLength === 0) this.services.blockPool.give(block);
  }

  /** Moves the batch into a replay buffer, as sent and not seen. */
  protected keepOpen(replay: Replay): void {
    const { sharedFrame, block, used, openFrames } = this;
    this.clear();
    if (sharedFrame !== null) replay.push(sharedFrame, openFrames);
    if (block !== null && !replay.pushBlock(block, used, openFrames)) this.services.blockPool.give(block);
  }

  /** Empties the batch. The block belongs to the caller. */
  protected clear(): void {
    this.sharedFrame = this.block = null;
    this.used = this.openFrames = 0;
  }

  #addGap(missed: Record<keyof Gap, number>): void {
    this.missed = null;
    this.add(gapFrame(this.owner.id, missed), 1);
  }

  /** Moves the batch to a larger block, or seals the batch where both together exceed a large block. */
  #grow(bytes: number): Block {
    const { replay, services } = this;
    const { blockPool } = services;
    if (this.used + bytes > LARGE_BLOCK_BYTES) this.seal();
    const size = this.used + bytes;
    const block = replay === null ? blockPool.take(size) : blockPool.takeFitting(Math.max(size, replay.expectedBytes));
    if (this.sharedFrame !== null) block.bytes.set(this.sharedFrame);
    else if (this.block !== null) blockPool.move(this.block, this.used, block);
    this.sharedFrame = null;
    return (this.block = block);
  }
}
