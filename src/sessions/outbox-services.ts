import type { BlockPool } from './block-pool.js';
import type { FlushScheduler } from './flush-scheduler.js';
import type { Resumption } from './resumption.js';
import type { SlowConsumer, SlowConsumers } from './slow-consumers.js';

/** Services that all outboxes of a process share. */
export interface OutboxServices {
  readonly flushScheduler: FlushScheduler;
  readonly blockPool: BlockPool;
  readonly slowConsumers: SlowConsumers;
}

/** The session of an outbox. */
export interface OutboxOwner extends SlowConsumer {
  readonly id: string;
  /** `null` for a session that cannot come back. */
  readonly resumption: Resumption | null;
  /** Closes the session with 1011. Never throws. */
  fail(error: unknown): void;
}
