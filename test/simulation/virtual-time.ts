import { Clock, type CancelTimer } from '../../src/cluster/clock.js';
import type { Random } from '../support/random.js';

/** The order of events at one moment, as in one turn of the Node.js event loop. */
const PHASES = { timer: 0, io: 1, endOfTurn: 2 } as const;
type Phase = keyof typeof PHASES;

interface TimedEvent {
  readonly atMs: number;
  readonly phase: Phase;
  readonly order: number;
  readonly process: VirtualProcess | undefined;
  readonly run: () => void;
  cancelled: boolean;
}

/** Runs events in the order of a virtual clock, each with the promises that it settles. */
export class VirtualTime {
  readonly #heap: TimedEvent[] = [];
  #nowMs = 0;
  #order = 0;
  /** Events that were run. */
  events = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Adds an event. @param process the process that runs it: never once it has ended, and later where it is paused */
  add(delayMs: number, phase: Phase, run: () => void, process?: VirtualProcess): CancelTimer {
    const event = { atMs: this.#nowMs + delayMs, phase, order: this.#order++, process, run, cancelled: false };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Runs all events up to a moment. */
  async runUntil(endMs: number): Promise<void> {
    for (let event = this.#heap[0]; event !== undefined && event.atMs <= endMs; event = this.#heap[0]) {
      this.#pop();
      this.#nowMs = event.atMs;
      if (event.cancelled || event.process?.ended === true) continue;
      // The flush at the end of a turn is not interrupted, so that a message is written when it is delivered.
      if (event.process?.paused === true && event.phase !== 'endOfTurn') event.process.defer(event);
      else {
        this.events++;
        event.run();
        // The queue of `nextTick` is run when no promise callback is left.
        await new Promise<void>((resolve) => process.nextTick(resolve));
      }
    }
    this.#nowMs = endMs;
  }

  /** Adds an event again, because its process was paused when it was due. */
  again({ phase, process, run }: TimedEvent): void {
    this.#push({ atMs: this.#nowMs, phase, order: this.#order++, process, run, cancelled: false });
  }

  #push(event: TimedEvent): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

/** One process in virtual time: its clock has an origin of its own, and its events wait while it is paused. */
export class VirtualProcess extends Clock {
  ended = false;
  paused = false;
  /** The sum of the steps of its clock. */
  steppedMs = 0;
  #deferred: TimedEvent[] = [];
  readonly #originMs: number;

  constructor(
    readonly time: VirtualTime,
    private readonly random: Random,
  ) {
    super(undefined as never);
    this.#originMs = random.below(1_000_000_000) / 7;
  }

  override now(): number {
    return this.time.nowMs + this.#originMs + this.steppedMs;
  }

  override after(delayMs: number, run: () => void): CancelTimer {
    return this.time.add(Math.max(1, delayMs), 'timer', run, this);
  }

  override every(intervalMs: number, run: () => void): CancelTimer {
    let cancel: CancelTimer;
    const repeat = (): void => {
      cancel = this.after(intervalMs, repeat);
      run();
    };
    cancel = this.after(intervalMs, repeat);
    return () => cancel();
  }

  override atEndOfTurn(run: () => void): void {
    this.time.add(0, 'endOfTurn', run, this);
  }

  override jitter(delayMs: number): number {
    return delayMs * (0.5 + this.random.below(1000) / 2000);
  }

  /** Runs something that arrives from outside, after a delay. */
  receive(delayMs: number, run: () => void): void {
    this.time.add(delayMs, 'io', run, this);
  }

  defer(event: TimedEvent): void {
    this.#deferred.push(event);
  }

  resume(): void {
    this.paused = false;
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const event of deferred) if (!event.cancelled) this.time.again(event);
  }
}

function isBefore(one: TimedEvent, other: TimedEvent): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs;
  if (one.phase !== other.phase) return PHASES[one.phase] < PHASES[other.phase];
  return one.order < other.order;
}
