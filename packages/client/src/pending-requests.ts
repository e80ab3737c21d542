import type { Envelope, ErrorData } from './messages.js';
import { SendError } from './send-error.js';

interface Request {
  readonly text: string;
  readonly resolve: (answer: Envelope) => void;
  readonly reject: (error: SendError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Requests that may be sent and unanswered at a time; further requests wait in the queue. */
const MAX_UNANSWERED = 256;

/** Keeps each request until its answer, a timeout or the end of the connection. Sends no request twice. */
export class PendingRequests {
  readonly #queue = new Map<string, Request>();
  readonly #sent = new Map<string, Request>();
  #lastId = 0;
  #maxBytes = Infinity;
  /** Undefined while there is no connection. */
  #send: ((text: string) => void) | undefined;

  constructor(private readonly queueSize: number) {}

  /** Resolves to the answer of the server. @throws {SendError}, or the error of `JSON.stringify` */
  async add(fields: object, timeoutMs: number): Promise<Envelope> {
    const id = (++this.#lastId).toString(36);
    const text = JSON.stringify({ ...fields, id });
    if (this.#isTooBig(text)) throw this.#tooBig();
    if (this.#queue.size >= this.queueSize && !this.#canSend())
      throw new SendError('queue_full', `The queue is full with ${this.queueSize} messages.`);
    return new Promise<Envelope>((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(id, timeoutMs), timeoutMs);
      this.#queue.set(id, { text, resolve, reject, timer });
      this.#drainQueue();
    });
  }

  /** Starts sending, queued requests first. */
  open(maxBytes: number, send: (text: string) => void): void {
    this.#maxBytes = maxBytes;
    this.#send = send;
    this.#drainQueue();
  }

  /** Settles the request that an envelope answers, if it answers one. */
  settle({ type, ref = '', data }: Envelope): void {
    const request = this.#sent.get(ref);
    // A handler's own answers carry the ref, too; only a `sys.` message ends the exchange.
    if (request === undefined || !type.startsWith('sys.')) return;
    this.#sent.delete(ref);
    clearTimeout(request.timer);
    if (type === 'sys.error') {
      const { code, message, ...details } = data as ErrorData;
      request.reject(new SendError(code, message, { ...details, sent: true }));
    } else request.resolve({ type, ref, data } as Envelope);
    this.#drainQueue();
  }

  /** Rejects unanswered requests and stops sending. They are not sent again because they may have arrived. */
  failSent(): void {
    this.#send = undefined;
    const error = ['unknown_outcome', 'The connection closed before the answer arrived.'] as const;
    rejectAll(this.#sent, () => new SendError(...error, { sent: true }));
  }

  /** Rejects all requests. */
  failAll(message: string): void {
    this.failSent();
    rejectAll(this.#queue, () => new SendError('closed', message));
  }

  #canSend(): boolean {
    return this.#send !== undefined && this.#sent.size < MAX_UNANSWERED;
  }

  #drainQueue(): void {
    for (const [id, request] of this.#queue) {
      if (!this.#canSend()) return;
      this.#queue.delete(id);
      // Requests queued before the first welcome were not checked, because the limit was unknown.
      if (this.#isTooBig(request.text)) {
        clearTimeout(request.timer);
        request.reject(this.#tooBig());
        continue;
      }
      this.#sent.set(id, request);
      this.#send!(request.text);
    }
  }

  #isTooBig(text: string): boolean {
    return text.length * 3 > this.#maxBytes && utf8Bytes(text) > this.#maxBytes;
  }

  #tooBig(): SendError {
    return new SendError('too_big', `The message is over maxMessageBytes (${this.#maxBytes}).`);
  }

  #expire(id: string, timeoutMs: number): void {
    const sent = this.#sent.has(id);
    const request = this.#sent.get(id) ?? this.#queue.get(id);
    this.#sent.delete(id);
    this.#queue.delete(id);
    request!.reject(new SendError('timeout', `No answer within ${timeoutMs} ms.`, { sent }));
    this.#drainQueue();
  }
}

function rejectAll(requests: Map<string, Request>, error: () => SendError): void {
  for (const [id, { timer, reject }] of requests) {
    requests.delete(id);
    clearTimeout(timer);
    reject(error());
  }
}

/** Counts UTF-8 bytes without TextEncoder, because WeChat mini programs lack it. */
function utf8Bytes(text: string): number {
  return encodeURIComponent(text).replace(/%../g, '.').length;
}
