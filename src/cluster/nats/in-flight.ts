import type { DeliveryFailure, GroupReceipt } from '../backplane.js';
import type { CancelTimer, Clock } from '../clock.js';
import type { Receipt, RequestOutcome } from '../wire/node-message.js';

/** Called once with the outcome of a request. @param counts of a `groupMessage` that was not refused */
export type RequestCallback = (outcome: RequestOutcome, counts?: GroupReceipt) => void;

interface InFlightBatch {
  readonly nodeId: string;
  readonly callbacks: readonly RequestCallback[];
  readonly bytes: number;
  readonly expiresAtMs: number;
}

/**
 * Holds the batches that were sent and whose receipt has not arrived. Calls the callback of each request exactly once.
 */
export class InFlight {
  /** Batches by number, the oldest first. They expire in this order, because all have the same timeout. */
  readonly #batches = new Map<number, InFlightBatch>();
  readonly #bytesTo = new Map<string, number>();
  #waiting = 0;
  #cancelExpiry: CancelTimer | undefined;

  constructor(
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {}

  /** Requests without an outcome. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Nodes with at least one batch in flight. */
  get nodes(): number {
    return this.#bytesTo.size;
  }

  /** Returns the bytes in flight to one node. */
  bytesTo(nodeId: string): number {
    return this.#bytesTo.get(nodeId) ?? 0;
  }

  add(number: number, nodeId: string, callbacks: readonly RequestCallback[], bytes: number): void {
    this.#batches.set(number, { nodeId, callbacks, bytes, expiresAtMs: this.clock.now() + this.timeoutMs });
    this.#bytesTo.set(nodeId, this.bytesTo(nodeId) + bytes);
    this.#waiting += callbacks.length;
    if (this.#cancelExpiry === undefined) this.#schedule(this.timeoutMs);
  }

  /** Settles a batch with the receipt of its node; does nothing where the batch has expired, or is another node's. */
  settle(nodeId: string, { number, refused, counts = [], held = [] }: Receipt): void {
    if (this.nodeOf(number) !== nodeId) return;
    const batch = this.#take(number);
    if (batch === undefined) return;
    if (refused.length === 0 && counts.length === 0 && held.length === 0) {
      for (const callback of batch.callbacks) callback(undefined);
      return;
    }
    const outcomes = new Map<number, RequestOutcome>(refused);
    for (const index of held) outcomes.set(index, 'held');
    const countsOf = new Map(counts);
    for (const [index, callback] of batch.callbacks.entries()) callback(outcomes.get(index), countsOf.get(index));
  }

  /** Returns the node of a batch without a receipt. */
  nodeOf(number: number): string | undefined {
    return this.#batches.get(number)?.nodeId;
  }

  /** Fails every request of a batch. */
  fail(number: number, failure: DeliveryFailure = 'unavailable'): void {
    for (const callback of this.#take(number)?.callbacks ?? []) callback(failure);
  }

  /** Fails the batches of a node that has left or is dead. The node may have executed them. */
  failNode(nodeId: string): void {
    for (const [number, batch] of this.#batches) if (batch.nodeId === nodeId) this.fail(number);
  }

  failAll(): void {
    for (const number of this.#batches.keys()) this.fail(number);
  }

  #take(number: number): InFlightBatch | undefined {
    const batch = this.#batches.get(number);
    if (batch === undefined) return undefined;
    this.#batches.delete(number);
    const left = this.bytesTo(batch.nodeId) - batch.bytes;
    if (left > 0) this.#bytesTo.set(batch.nodeId, left);
    else this.#bytesTo.delete(batch.nodeId);
    this.#waiting -= batch.callbacks.length;
    return batch;
  }

  #schedule(delayMs: number): void {
    // The timer of a paused process is late, so that receipts may wait to be read: read them before failing batches.
    this.#cancelExpiry = this.clock.after(delayMs, () => this.clock.atEndOfTurn(() => this.#expire()));
  }

  #expire(): void {
    this.#cancelExpiry = undefined;
    const nowMs = this.clock.now();
    for (const [number, { expiresAtMs }] of this.#batches) {
      if (expiresAtMs > nowMs) return this.#schedule(expiresAtMs - nowMs);
      this.fail(number);
    }
  }
}
