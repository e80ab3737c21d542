import type { Clock } from '../clock.js';
import type { ByteWriter } from '../wire/bytes.js';
import { begin, finish, writeEvent, writeRequest, type MessageOrigin } from '../wire/node-codec.js';
import type { ClusterEvent, Request } from '../wire/node-message.js';
import type { InFlight, RequestCallback } from './in-flight.js';
import type { Subjects } from './subjects.js';

/** Bytes at which a batch is sent before the turn ends. */
const FULL_BYTES = 131_072;
/** Bytes that may stand before a frame in the same NATS message: a batch that is nearly full, and the heads. */
const MAX_BYTES_BEFORE_FRAME = 150_000;
/** Bytes allocated for a batch at least. A batch that needs more than the one before grows by doubling. */
const LEAST_CAPACITY_BYTES = 2048;

/** The result of publishing; `too_large` where the message exceeds `max_payload` of NATS. */
export type PublishResult = 'published' | 'disconnected' | 'too_large';

/** Sends encoded messages. Implemented by the NATS connection. */
export interface Publisher {
  readonly origin: MessageOrigin;
  /** Hands a message to the connection. It may be lost all the same. */
  publish(subject: string, bytes: Uint8Array, reply?: string): PublishResult;
  /** Hands over a message whose loss other nodes notice, and repair by a snapshot or by a timeout. */
  announce(subject: string, bytes: Uint8Array): void;
}

interface OpenBatch {
  readonly number: number;
  /** The subject of its receipt. */
  readonly receipt: string;
  readonly bytes: ByteWriter;
  readonly callbacks: RequestCallback[];
}

/**
 * Gathers what this node sends in one turn of the event loop: one batch of requests per node, or one batch of events
 * for all nodes. There is never both, because the nodes must receive requests and events in the order they were added.
 * The flush has a `setImmediate` of its own, because `cluster/` does not know the flush of `sessions/`.
 */
export class BatchAccumulator {
  readonly #batches = new Map<string, OpenBatch>();
  #events: ByteWriter | undefined;
  #sequence = 0;
  #number = 0;
  /** Bytes of the last batch, because the next one will most often need as many. */
  #lastBytes = 0;
  #scheduled = false;

  /** @param maxAgeMs the age up to which a batch may be executed */
  constructor(
    private readonly publisher: Publisher,
    private readonly subjects: Subjects,
    private readonly inFlight: InFlight,
    private readonly maxAgeMs: number,
    private readonly clock: Clock,
  ) {}

  /** The sequence of the last event batch. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Requests that were not sent yet. */
  get waiting(): number {
    let waiting = 0;
    for (const { callbacks } of this.#batches.values()) waiting += callbacks.length;
    return waiting;
  }

  addRequest(nodeId: string, request: Request, callback: RequestCallback): void {
    this.sendEvents();
    let batch = this.#batches.get(nodeId);
    if (batch === undefined) this.#batches.set(nodeId, (batch = this.#beginBatch()));
    writeRequest(batch.bytes, request);
    batch.callbacks.push(callback);
    if (batch.bytes.length >= FULL_BYTES) this.#sendBatch(nodeId, batch);
    else this.#schedule();
  }

  addEvent(clusterEvent: ClusterEvent): void {
    this.#sendBatches();
    if (this.#events === undefined) {
      this.#events = begin(this.publisher.origin, 'events', LEAST_CAPACITY_BYTES);
      this.#events.u32((this.#sequence = (this.#sequence + 1) >>> 0));
    }
    writeEvent(this.#events, clusterEvent);
    if (this.#events.length >= FULL_BYTES) this.sendEvents();
    else this.#schedule();
  }

  /** Sends the events that were added; requests wait for the end of the turn. */
  sendEvents(): void {
    const events = this.#events;
    if (events === undefined) return;
    this.#events = undefined;
    this.publisher.announce(this.subjects.all, finish(events, this.clock.now()));
  }

  /** Sends everything that was added. The end of the turn does the same. */
  flush(): void {
    this.sendEvents();
    this.#sendBatches();
  }

  /** Drops everything that was not sent, fails its requests, and restarts the sequence for the next connection. */
  reset(): void {
    const callbacks = [...this.#batches.values()].flatMap((batch) => batch.callbacks);
    this.#batches.clear();
    this.#events = undefined;
    this.#sequence = 0;
    for (const callback of callbacks) callback('unavailable');
  }

  #beginBatch(): OpenBatch {
    const { origin } = this.publisher;
    const bytes = begin(origin, 'batch', Math.max(LEAST_CAPACITY_BYTES, this.#lastBytes));
    const number = (this.#number = (this.#number + 1) >>> 0);
    bytes.u32(number);
    bytes.f64(this.maxAgeMs);
    return { number, receipt: this.subjects.receipt(origin.nodeId, number), bytes, callbacks: [] };
  }

  #sendBatches(): void {
    for (const [nodeId, batch] of this.#batches) this.#sendBatch(nodeId, batch);
  }

  #sendBatch(nodeId: string, { number, receipt, bytes, callbacks }: OpenBatch): void {
    this.#batches.delete(nodeId);
    this.#lastBytes = Math.min(bytes.length, MAX_BYTES_BEFORE_FRAME);
    const message = finish(bytes, this.clock.now());
    if (this.publisher.publish(this.subjects.deliveries(nodeId), message, receipt) === 'published')
      this.inFlight.add(number, nodeId, callbacks, bytes.length);
    else for (const callback of callbacks) callback('unavailable');
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.atEndOfTurn(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}

/** Whether a frame of so many bytes fits into a NATS message of `maxBytes`, whatever stands before it. */
export function fitsIntoBatch(frameBytes: number, maxBytes: number): boolean {
  return frameBytes + MAX_BYTES_BEFORE_FRAME <= maxBytes;
}
