import { Injectable } from '@nestjs/common';
import { Histogram } from './histogram.js';

const FANOUT_BOUNDS = [0, 1, 10, 100, 1000, 10_000, 100_000];
const HANDLER_BOUNDS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10];

/**
 * What this process has counted since its start: plain numbers, so that counting costs the hot path one increment.
 * Turned into metrics only when somebody asks.
 */
@Injectable()
export class Counters {
  /** Messages carried by the short way, to one receiver and to all. */
  fastRouted = 0;
  fastBroadcasts = 0;
  /** Messages received that the two above do not count: the slow path, refused ones included, and fast ones to other nodes. */
  received = 0;
  /** Messages put on one receiver's connection the exact way, the server's and the handlers' too. */
  routed = 0;
  broadcasts = 0;
  /** Receivers of all broadcasts, and those that were passed over because they read too slowly. */
  fannedOut = 0;
  skipped = 0;
  readonly fanout = new Histogram(FANOUT_BOUNDS);
  /** Sessions whose handlers have something to do now. */
  handlersRunning = 0;
  opened = 0;
  /** Sessions that a drain had to cut. */
  drainCut = 0;
  /** `sys.error` by code, session ends by close code, handshakes by outcome. */
  readonly refused = new Map<string, number>();
  readonly closed = new Map<number, number>();
  readonly handshakes = new Map<string, number>();
  /** Seconds by type; only types that a handler claims come here. */
  readonly handlers = new Map<string, Histogram>();

  /** Counts one more under a key. The caller sees to it that there are few keys. */
  count<Key>(counts: Map<Key, number>, key: Key): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  fannedOutTo(receivers: number, skipped: number): void {
    this.fannedOut += receivers;
    this.skipped += skipped;
    this.fanout.observe(receivers);
  }

  handled(type: string, seconds: number): void {
    let times = this.handlers.get(type);
    if (times === undefined) this.handlers.set(type, (times = new Histogram(HANDLER_BOUNDS_SECONDS)));
    times.observe(seconds);
  }
}
