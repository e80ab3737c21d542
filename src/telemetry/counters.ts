import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Histogram } from './histogram.js';

const FANOUT_BOUNDS = [0, 1, 10, 100, 1000, 10_000, 100_000];
const HANDLER_BOUNDS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10];

/**
 * Counts events since the start of the process. The counters are plain numbers, because each of them costs the hot path
 * one increment; metrics are made of them only when they are requested.
 */
@Injectable()
export class Counters {
  /** Messages that the fast router put on a connection of this node, and those it broadcast. */
  fastRouted = 0;
  fastBroadcasts = 0;
  /** All other messages of clients, refused ones and fast ones to other nodes included. */
  received = 0;
  /** Messages that the slow path put on a connection of this node, including those of the server and other nodes. */
  routed = 0;
  /** Broadcasts that began on this node, by either path. */
  broadcasts = 0;
  /** Deliveries of broadcasts and room messages, and those skipped because the receiver reads too slowly. */
  fannedOut = 0;
  skipped = 0;
  readonly fanout = new Histogram(FANOUT_BOUNDS);
  /** Sessions whose handler is running or whose handler queue is not empty. */
  handlersRunning = 0;
  /** System requests that wait for a policy of the application or for the keys of tokens. */
  systemRequestsRunning = 0;
  /** HTTP requests whose response is not complete and whose connection is open. */
  readonly requestsRunning = new Set<IncomingMessage>();
  /** WebSockets that are open or close. A session may have ended before its WebSocket. */
  webSockets = 0;
  /** Promises of departure hooks that have not settled. */
  departureHooksRunning = 0;
  opened = 0;
  /** Messages whose senders are sent `sys.undelivered`. */
  undelivered = 0;
  /** Sessions that a drain had to cut. */
  drainCut = 0;
  /** `sys.error` messages by code. */
  readonly refused = new Map<string, number>();
  /** Pings and pongs over the message rate, which get no `sys.error`. */
  rateLimitedControlFrames = 0;
  /** Ended sessions by close code. */
  readonly closed = new Map<number, number>();
  /** Handshakes by outcome: `accepted` or the code of the rejection. */
  readonly handshakes = new Map<string, number>();
  /** Connections of clients that this node pipes to the nodes of their sessions. */
  pipes = 0;
  /** Returns to sessions of other nodes by way of this node, by outcome. */
  readonly remoteReturns = new Map<'piped' | 'no_return' | 'unavailable', number>();
  /** Requests for the keys of tokens by outcome: `loaded` or `failed`. */
  readonly keyRequests = new Map<'loaded' | 'failed', number>();
  /** When the keys of tokens were last loaded from their URL, on the clock of `performance.now()`. */
  keysLoadedAtMs: number | undefined;
  /** Seconds that handlers took, by message type. */
  readonly handlers = new Map<string, Histogram>();

  /** Increments the count of a key. The number of keys must be bounded. */
  count<Key>(counts: Map<Key, number>, key: Key): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  /** Counts a departure hook until its promise settles. */
  departureHook(running: Promise<unknown>): void {
    this.departureHooksRunning++;
    const settled = (): void => void this.departureHooksRunning--;
    running.then(settled, settled);
  }

  fannedOutTo(receivers: number, skipped: number): void {
    this.fannedOut += receivers;
    this.skipped += skipped;
    this.fanout.observe(receivers);
  }

  /** @param type a type that a handler claims, so that the number of types is bounded */
  handled(type: string, seconds: number): void {
    let times = this.handlers.get(type);
    if (times === undefined) this.handlers.set(type, (times = new Histogram(HANDLER_BOUNDS_SECONDS)));
    times.observe(seconds);
  }
}
