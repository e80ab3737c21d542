import type { SendOptions } from './connect-options.js';
import { MAX_UNANSWERED } from './limits.js';
import { clientClosed, SendError } from './send-error.js';
import type { Envelope, ErrorData } from './wire.js';

/** Receives the answers of a handler to one request, and its end. */
export interface AnswerListener {
  answer?(data: unknown): void;
  /** Called with the message that ends the exchange, before any later message is read. */
  ended?(envelope: Envelope): void;
  /** Set where a request that was sent has no time limit: it ends when the server ends the exchange. */
  readonly isStream?: true;
}

interface Request {
  readonly text: string;
  readonly listener: AnswerListener | undefined;
  readonly resolve: (answer: Envelope) => void;
  readonly reject: (error: SendError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Keeps each request until its answer, a timeout or the end of the connection. Sends no request twice. */
export class PendingRequests {
  readonly #queue = new Map<string, Request>();
  /** Requests of a new connection that are sent before the queue. */
  readonly #first = new Map<string, Request>();
  readonly #sent = new Map<string, Request>();
  #lastId = 0;
  #maxBytes = Infinity;
  /** Undefined while there is no connection. */
  #send: ((text: string, id?: string) => void) | undefined;
  /** Whether the queue waits for the end of the requests before it. */
  #isHeld = true;
  #closed = false;

  /** @param defaultMs milliseconds until a request without an answer has failed, where its options name none */
  constructor(
    private readonly queueSize: number,
    private readonly defaultMs: number,
  ) {}

  get isConnected(): boolean {
    return !!this.#send;
  }

  /** Whether the queue is being sent. */
  get isOpen(): boolean {
    return !this.#isHeld;
  }

  /** Resolves to the answer of the server. @throws {SendError}, or the error of `JSON.stringify` */
  async add(fields: object, { timeoutMs }: SendOptions = {}, listener?: AnswerListener): Promise<Envelope> {
    if (this.#closed) throw clientClosed();
    if (this.#queue.size >= this.queueSize && (this.#isHeld || !this.#canSend()))
      throw new SendError('queue_full', `The queue is full: ${this.queueSize}.`);
    return this.#enqueue(this.#queue, fields, listener, timeoutMs);
  }

  /** Adds a request before the queue, whatever its length. For use in the callback of {@link open}. */
  addFirst(fields: object, listener: AnswerListener): Promise<Envelope> {
    return this.#enqueue(this.#first, fields, listener);
  }

  /** Sends a message without an `id`. Returns false before the queue is sent. @throws {SendError} `too_big` */
  post(fields: object): boolean {
    const text = this.#encode(fields);
    if (this.isOpen) this.#send!(text);
    return this.isOpen;
  }

  /** Frees the place of a listener's request. Its promise rejects with the error; without one it never settles. */
  forget(listener: AnswerListener, error?: SendError): void {
    for (const requests of [this.#queue, this.#sent])
      for (const [id, request] of requests)
        if (request.listener === listener) {
          take(requests, id);
          if (error) request.reject(error);
        }
    this.#drainQueue();
  }

  /**
   * Starts sending: first the requests that `restore` adds, and when its promises have resolved, those in the queue. Then
   * calls `opened`; never where the connection is lost before. All at once where `restore` returns no promise.
   */
  open(
    maxBytes: number,
    send: (text: string, id?: string) => void,
    restore: () => readonly Promise<void>[],
    opened: () => void,
  ): void {
    this.#maxBytes = maxBytes;
    this.#send = send;
    const release = (): void => {
      if (this.#send !== send) return;
      this.#isHeld = false;
      this.#drainQueue();
      opened();
    };
    const restoring = restore();
    if (restoring.length) void Promise.all(restoring).then(release);
    else release();
  }

  /** Settles the request that an envelope answers, if it answers one. */
  settle(envelope: Envelope): void {
    const { type, ref = '', data } = envelope;
    // A handler's own answers carry the ref, too; only a `sys.` message ends the exchange.
    if (!type.startsWith('sys.')) return this.#sent.get(ref)?.listener?.answer?.(data);
    const request = take(this.#sent, ref);
    if (!request) return;
    request.listener?.ended?.(envelope);
    if (type === 'sys.error') {
      const { code, message, ...details } = data as ErrorData;
      request.reject(new SendError(code, message, { ...details, sent: true }));
    } else request.resolve(envelope);
    this.#drainQueue();
  }

  /** Rejects unanswered requests and stops sending. They are not sent again because they may have arrived. */
  failSent(): void {
    this.#send = undefined;
    this.#isHeld = true;
    for (const requests of [this.#sent, this.#first])
      rejectAll(requests, 'unknown_outcome', 'The connection closed.', { sent: true });
  }

  /** Rejects all requests, and those that are added later. */
  failAll(reason: string): void {
    this.#closed = true;
    this.failSent();
    rejectAll(this.#queue, 'closed', clientClosed(reason).message);
  }

  #canSend(): boolean {
    return this.isConnected && this.#sent.size < MAX_UNANSWERED;
  }

  #enqueue(
    queue: Map<string, Request>,
    fields: object,
    listener: AnswerListener | undefined,
    timeoutMs = this.defaultMs,
  ): Promise<Envelope> {
    const id = String(++this.#lastId);
    const text = this.#encode({ ...fields, id });
    return new Promise<Envelope>((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(id, timeoutMs), timeoutMs);
      queue.set(id, { text, listener, resolve, reject, timer });
      this.#drainQueue();
    });
  }

  #drainQueue(): void {
    const queue = this.#isHeld ? this.#first : this.#queue;
    for (const [id, request] of queue) {
      if (!this.#canSend()) return;
      queue.delete(id);
      // Requests queued before the first welcome were not checked, because the limit was unknown.
      if (this.#isTooBig(request.text)) {
        clearTimeout(request.timer);
        request.reject(this.#tooBig());
        continue;
      }
      if (request.listener?.isStream) clearTimeout(request.timer);
      this.#sent.set(id, request);
      this.#send!(request.text, id);
    }
  }

  #encode(fields: object): string {
    const text = JSON.stringify(fields);
    if (this.#isTooBig(text)) throw this.#tooBig();
    return text;
  }

  #isTooBig(text: string): boolean {
    return text.length * 3 > this.#maxBytes && utf8Bytes(text) > this.#maxBytes;
  }

  #tooBig(): SendError {
    return new SendError('too_big', `Over maxMessageBytes (${this.#maxBytes}).`);
  }

  #expire(id: string, timeoutMs: number): void {
    const sent = this.#sent.has(id);
    const request = take(this.#sent, id) ?? take(this.#first, id) ?? take(this.#queue, id);
    request!.reject(new SendError('timeout', `No answer in ${timeoutMs} ms.`, { sent }));
    this.#drainQueue();
  }
}

/** Removes a request and stops its timer. */
function take(requests: Map<string, Request>, id: string): Request | undefined {
  const request = requests.get(id);
  requests.delete(id);
  clearTimeout(request?.timer);
  return request;
}

function rejectAll(requests: Map<string, Request>, ...error: ConstructorParameters<typeof SendError>): void {
  for (const id of requests.keys()) take(requests, id)!.reject(new SendError(...error));
}

/** Counts UTF-8 bytes without TextEncoder, because WeChat mini programs lack it. */
function utf8Bytes(text: string): number {
  return encodeURIComponent(text).replace(/%../g, '.').length;
}
