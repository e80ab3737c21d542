import type { Outage } from '../backplane.js';
import type { Clock } from '../clock.js';
import { TICKS_PER_HEARTBEAT, TICKS_PER_TIMEOUT } from '../ticks.js';

/** Whether this node has joined the cluster, and how long ago in ticks. */
export class JoinState {
  #outage: Outage | undefined;
  #ticks = 0;
  #joinedAtTick = 0;

  constructor(private readonly clock: Clock) {
    this.#outage = { sinceMs: clock.now(), kind: 'starting', reason: 'not connected yet' };
  }

  /** Whether this node reaches the other nodes and takes batches. */
  get joined(): boolean {
    return this.#outage === undefined;
  }

  /** Whether every live node is a member by now, because a whole timeout has passed since this node joined. */
  get settled(): boolean {
    return this.#ticks - this.#joinedAtTick >= TICKS_PER_TIMEOUT;
  }

  /** Since when and why other nodes cannot be reached; `undefined` while joined. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  join(): void {
    this.#joinedAtTick = this.#ticks;
    this.#outage = undefined;
  }

  /** Records that the connection is lost or refused. A lost one does not change the kind of an outage before it. */
  disconnect(kind: 'lost' | 'refused', reason: string): void {
    const { sinceMs = this.clock.now(), kind: before = kind } = this.#outage ?? {};
    this.#outage = { sinceMs, kind: kind === 'refused' ? kind : before, reason };
  }

  /** Counts one tick. @returns whether a heartbeat is due */
  tick(): boolean {
    this.#ticks++;
    return this.#ticks % TICKS_PER_HEARTBEAT === 0;
  }
}
