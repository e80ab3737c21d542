import type { Block, Frame } from '../protocol/index.js';
import type { FrameBatches } from './frame-batches.js';

/** Keeps the frames that were sent to a client and that the client has not seen. Implemented by `resume/`. */
export interface Replay {
  /** Bytes that are kept. */
  readonly bytes: number;
  /** Whether nothing more may be written to the connection before the client has seen some of what is kept. */
  readonly isWindowFull: boolean;
  /** Whether notices are kept. They leave half of the budget of all sessions to messages. */
  readonly takesNotices: boolean;
  /** Returns whether so many bytes fit beside those that are kept, while no connection is attached. */
  fits(bytes: number): boolean;
  /** Keeps bytes by reference. @param textFrames text frames in them */
  push(bytes: Buffer, textFrames: number): void;
  /** Bytes of the block in which the next batch is begun: those of the last batch, which the next one is likely to have. */
  readonly expectedBytes: number;
  /** Keeps the first `used` bytes of a block. Returns whether the block itself is kept, so that nobody else may reuse it. */
  pushBlock(block: Block, used: number, textFrames: number): boolean;
  /** Removes and returns all frames that the client has not seen; `null` where there are none. */
  takeUnseen(): FrameBatches | null;
}

/** State of a session that may come back after its connection was lost. Implemented by `resume/`. */
export interface Resumption {
  readonly replay: Replay;
  /** When the connection was lost, on the clock of `performance.now()`; of no meaning before the first loss. */
  readonly awaySinceMs: number;
  /** Counts a text frame of the client that has had its effect. @param bytes its length */
  received(bytes: number): void;
  /** Returns the report to the client that leaves with frames which are written anyway; `null` where it is not worth one. */
  takeReport(): Frame | null;
}
