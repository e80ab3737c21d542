import type { Clock } from '../clock.js';
import { TICKS_PER_HEARTBEAT, TICKS_PER_TIMEOUT } from '../ticks.js';

/** Whether this node has joined the cluster, and how long ago in ticks. */
export class JoinState {
  #joined = false;
  #disconnectedSinceMs: number | undefined;
  #ticks = 0;
  #joinedAtTick = 0;

  constructor(private readonly clock: Clock) {
    this.#disconnectedSinceMs = clock.now();
  }

  /** Whether this node reaches the other nodes and takes batches. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Whether every live node is a member by now, because a whole timeout has passed since this node joined. */
  get settled(): boolean {
    return this.#ticks - this.#joinedAtTick >= TICKS_PER_TIMEOUT;
  }

  /** The moment of the disconnection, on the monotonic clock; `undefined` while joined. */
  get disconnectedSinceMs(): number | undefined {
    return this.#disconnectedSinceMs;
  }

  join(): void {
    this.#joined = true;
    this.#joinedAtTick = this.#ticks;
    this.#disconnectedSinceMs = undefined;
  }

  disconnect(): void {
    this.#joined = false;
    this.#disconnectedSinceMs ??= this.clock.now();
  }

  /** Counts one tick. @returns whether a heartbeat is due */
  tick(): boolean {
    this.#ticks++;
    return this.#ticks % TICKS_PER_HEARTBEAT === 0;
  }
}
