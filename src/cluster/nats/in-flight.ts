import type { DeliveryCallback, DeliveryFailure } from '../backplane.js';
import type { Receipt } from '../wire/node-message.js';

interface InFlightBatch {
  readonly part: string;
  readonly answers: readonly DeliveryCallback[];
  readonly bytes: number;
  readonly untilMs: number;
}

/** Batches that were sent and have no receipt yet. Every answer is told exactly once. */
export class InFlight {
  /** By number, the oldest first: all have the same time. */
  readonly #flights = new Map<number, InFlightBatch>();
  readonly #bytes = new Map<string, number>();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly timeoutMs: number) {}

  /** Requests without an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Nodes that have something to answer. */
  get nodes(): number {
    return this.#bytes.size;
  }

  /** Bytes on their way to a node. */
  bytesTo(part: string): number {
    return this.#bytes.get(part) ?? 0;
  }

  add(number: number, part: string, answers: readonly DeliveryCallback[], bytes: number): void {
    this.#flights.set(number, { part, answers, bytes, untilMs: performance.now() + this.timeoutMs });
    this.#bytes.set(part, this.bytesTo(part) + bytes);
    this.#waiting += answers.length;
    if (this.#timer === undefined) this.#wait(this.timeoutMs);
  }

  /** The receipt has come. */
  settle({ number, refused }: Receipt): void {
    const flight = this.#take(number);
    if (flight === undefined) return;
    const refusals = new Map(refused);
    for (const [index, answer] of flight.answers.entries()) answer(refusals.get(index));
  }

  /** The node of a batch without a receipt. */
  nodeOf(number: number): string | undefined {
    return this.#flights.get(number)?.part;
  }

  /** Nobody will answer this one. */
  fail(number: number, failure: DeliveryFailure = 'unavailable'): void {
    for (const answer of this.#take(number)?.answers ?? []) answer(failure);
  }

  /** A node has gone; what was sent to it may have had its effect or not. */
  failNode(part: string): void {
    for (const [number, flight] of this.#flights) if (flight.part === part) this.fail(number);
  }

  failAll(): void {
    for (const number of this.#flights.keys()) this.fail(number);
  }

  #take(number: number): InFlightBatch | undefined {
    const flight = this.#flights.get(number);
    if (flight === undefined) return undefined;
    this.#flights.delete(number);
    const left = this.bytesTo(flight.part) - flight.bytes;
    if (left > 0) this.#bytes.set(flight.part, left);
    else this.#bytes.delete(flight.part);
    this.#waiting -= flight.answers.length;
    return flight;
  }

  #wait(forMs: number): void {
    // What this process was late for itself has perhaps been answered: it is read before anything is given up.
    this.#timer = setTimeout(() => setImmediate(() => this.#late()), forMs);
  }

  #late(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [number, { untilMs }] of this.#flights) {
      if (untilMs > nowMs) return this.#wait(untilMs - nowMs);
      this.fail(number);
    }
  }
}
