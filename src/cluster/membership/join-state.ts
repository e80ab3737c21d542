import { TICKS_PER_HEARTBEAT, TICKS_PER_TIMEOUT } from '../ticks.js';

/** Whether this node has joined the cluster, how long ago in ticks, and whether the process was paused. */
export class JoinState {
  #joined = false;
  #disconnectedSinceMs: number | undefined = performance.now();
  #ticks = 0;
  #joinedAtTick = 0;
  #lastTickMs = performance.now();
  #pausedSinceMs = Number.POSITIVE_INFINITY;
  #untrustedUntilTick = 0;

  /** @param maxTickGapMs a longer time between two ticks is a pause of the process */
  constructor(private readonly maxTickGapMs: number) {}

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

  /**
   * Whether the clock offset of a member is unreliable. All messages of a member first seen during a pause may be as old
   * as the pause, until a heartbeat after it.
   */
  hasUntrustedClock(firstSeenMs: number): boolean {
    this.#detectPause();
    return firstSeenMs >= this.#pausedSinceMs && this.#ticks <= this.#untrustedUntilTick;
  }

  join(): void {
    this.#joined = true;
    this.#joinedAtTick = this.#ticks;
    this.#disconnectedSinceMs = undefined;
  }

  disconnect(): void {
    this.#joined = false;
    this.#disconnectedSinceMs ??= performance.now();
  }

  /** Counts one tick. @returns whether a heartbeat is due */
  tick(): boolean {
    this.#detectPause();
    this.#lastTickMs = performance.now();
    this.#ticks++;
    return this.#ticks % TICKS_PER_HEARTBEAT === 0;
  }

  /** Detects a pause of the process. Called by the tick timer and by incoming messages, whichever runs first. */
  #detectPause(): void {
    if (performance.now() - this.#lastTickMs <= this.maxTickGapMs) return;
    this.#pausedSinceMs = this.#lastTickMs;
    this.#untrustedUntilTick = this.#ticks + TICKS_PER_HEARTBEAT + 1;
  }
}
