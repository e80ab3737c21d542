import type { DeliveryCallback } from '../backplane.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { begin, writeEvent, writeRequest, type MessageOrigin } from '../wire/node-codec.js';
import type { ClusterEvent, Request } from '../wire/node-message.js';

/** A batch leaves before the end of the turn when it is as long as this. */
const FULL_BYTES = 131_072;
/** Most of what goes into one message is short: a batch begins with little room and doubles it. */
const ROOM = 2048;

/** Where batches go when they are complete. */
export interface BatchSink {
  readonly origin: MessageOrigin;
  /** How old a batch may be when it is carried out. */
  readonly maxAgeMs: number;
  batch(number: number, part: string, bytes: ByteWriter, answers: readonly DeliveryCallback[]): void;
  events(bytes: ByteWriter): void;
}

interface OpenBatch {
  readonly number: number;
  readonly bytes: ByteWriter;
  readonly answers: DeliveryCallback[];
}

/**
 * What this node says in one turn of the event loop: a batch for each node that is asked something, or one of news for
 * all. Never both at a time: beginning the one sends the other, so that everything arrives in the order it was said.
 */
export class BatchAccumulator {
  readonly #batches = new Map<string, OpenBatch>();
  #news: ByteWriter | undefined;
  #sequence = 0;
  #number = 0;
  #scheduled = false;

  constructor(private readonly sink: BatchSink) {}

  /** The number of the last news that were said. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Requests that have not left yet. */
  get waiting(): number {
    let waiting = 0;
    for (const { answers } of this.#batches.values()) waiting += answers.length;
    return waiting;
  }

  addRequest(part: string, request: Request, callback: DeliveryCallback): void {
    this.#sendNews();
    let batch = this.#batches.get(part);
    if (batch === undefined) this.#batches.set(part, (batch = this.#begin()));
    writeRequest(batch.bytes, request);
    batch.answers.push(callback);
    if (batch.bytes.length >= FULL_BYTES) this.#sendBatch(part, batch);
    else this.#schedule();
  }

  addEvent(clusterEvent: ClusterEvent): void {
    this.#sendBatches();
    if (this.#news === undefined) {
      this.#news = begin(this.sink.origin, 'news', ROOM);
      this.#news.u32((this.#sequence = (this.#sequence + 1) >>> 0));
    }
    writeEvent(this.#news, clusterEvent);
    if (this.#news.length >= FULL_BYTES) this.#sendNews();
    else this.#schedule();
  }

  /** Sends all that was said; called at the end of the turn by itself. */
  flush(): void {
    this.#sendNews();
    this.#sendBatches();
  }

  /** Begins anew on another link: what was not sent is never sent, and who asked is told so. */
  reset(): void {
    const answers = [...this.#batches.values()].flatMap((batch) => batch.answers);
    this.#batches.clear();
    this.#news = undefined;
    this.#sequence = 0;
    for (const answer of answers) answer('unavailable');
  }

  #begin(): OpenBatch {
    const bytes = begin(this.sink.origin, 'batch', ROOM);
    const number = (this.#number = (this.#number + 1) >>> 0);
    bytes.u32(number);
    bytes.f64(this.sink.maxAgeMs);
    return { number, bytes, answers: [] };
  }

  #sendNews(): void {
    const news = this.#news;
    if (news === undefined) return;
    this.#news = undefined;
    this.sink.events(news);
  }

  #sendBatches(): void {
    for (const [part, batch] of this.#batches) this.#sendBatch(part, batch);
  }

  #sendBatch(part: string, { number, bytes, answers }: OpenBatch): void {
    this.#batches.delete(part);
    this.sink.batch(number, part, bytes, answers);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
