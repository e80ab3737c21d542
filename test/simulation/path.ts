import type { Random } from '../support/random.js';
import type { VirtualTime } from './virtual-time.js';

/** A message of NATS. */
export interface Message {
  readonly subject: string;
  /** The subject with a wildcard in place of its last part. */
  readonly wildcard: string;
  readonly data: Uint8Array;
  readonly reply: string;
  readonly headers?: { readonly code: number };
}

/** The shortest delay of a slow path, and its jitter. */
const SLOW_MS = [60, 200] as const;

/** One server of the NATS cluster. */
export class SimulatedServer {
  running = true;
  paused = false;
  readonly #waiting: (() => void)[] = [];

  /** Runs what arrives at this server: now, or when the server resumes. */
  arrive(run: () => void): void {
    if (this.paused) this.#waiting.push(run);
    else run();
  }

  resume(): void {
    this.paused = false;
    for (const run of this.#waiting.splice(0)) run();
  }
}

/** The way between one node and NATS. Both directions keep the order of what they carry. */
export class Path {
  /** Faults that slow this path now. */
  slowed = 0;
  /** Whether some messages arrive at the node twice. */
  repeats = false;
  /** Called once, when the next connection of the node opens. */
  onConnected: ((server: SimulatedServer) => void) | undefined;
  /** Messages that the node has received last, on whatever connection. */
  readonly recent: Message[] = [];
  /** Whether nothing arrives now; what is on its way arrives later. */
  held = false;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly random: Random,
    /** The shortest delay of one direction. */
    private readonly delayMs: number,
    private readonly jitterMs: number,
  ) {}

  delay(): number {
    const [leastMs, jitterMs] = this.slowed > 0 ? SLOW_MS : [this.delayMs, this.jitterMs];
    return leastMs + (jitterMs * this.random.below(1000)) / 1000;
  }

  /** Runs something now, or when the path is released. */
  pass(run: () => void): void {
    if (this.held) this.#waiting.push(run);
    else run();
  }

  release(): void {
    this.held = false;
    for (const run of this.#waiting.splice(0)) run();
  }
}

/** One direction of a connection: what is sent arrives in this order. */
export class Direction {
  #lastArrivalMs = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly path: Path,
  ) {}

  send(run: () => void): void {
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.time.nowMs + this.path.delay());
    this.time.add(this.#lastArrivalMs - this.time.nowMs, 'io', () => this.path.pass(run));
  }
}
