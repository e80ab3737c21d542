import type { MessageOptions } from './connect-options.js';
import { MAX_UNANSWERED } from './limits.js';
import { Request, type AnswerListener } from './request.js';
import { clientClosed, SendError } from './send-error.js';
import type { Envelope, ErrorData } from './wire.js';

/** Sends the requests of a session. */
export interface Sender {
  /** Whether so much is sent and not seen by the server that no request may be sent. */
  readonly isFull: boolean;
  send(text: string, id?: string): void;
}

/** Keeps each request until its answer, a timeout or the end of the session. Sends no request to two sessions. */
export class PendingRequests {
  readonly #queue = new Map<string, Request>();
  /** Requests of a new session that are sent before the queue. */
  readonly #first = new Map<string, Request>();
  readonly #sent = new Map<string, Request>();
  #lastId = 0;
  #maxBytes = Infinity;
  /** Undefined while there is no session. */
  #sender: Sender | undefined;
  /** Counts the sessions that have ended, so that what was to follow a restoration is dropped. */
  #ended = 0;
  /** Whether the queue waits for the end of the requests before it. */
  #isHeld = true;
  /** Whether the session has no connection and may return. */
  #isAway = false;
  /** Called when the queue is being sent. */
  #opened: (() => void) | undefined;
  #closed = false;

  /** @param defaultMs milliseconds until a request without an answer has failed, where its options name none */
  constructor(
    private readonly queueSize: number,
    private readonly defaultMs: number,
  ) {}

  get hasSession(): boolean {
    return !!this.#sender;
  }

  /** Whether the queue is being sent. */
  get isOpen(): boolean {
    return !this.#isHeld && !this.#isAway;
  }

  /** Resolves to the answer of the server. @throws {SendError}, a TypeError, or the error of `JSON.stringify` */
  async add(fields: object, options: MessageOptions = {}, listener?: AnswerListener): Promise<Envelope> {
    if (this.#closed) throw clientClosed();
    if (this.#queue.size >= this.queueSize && (this.#isHeld || !this.#canSend()))
      throw new SendError('queue_full', `The queue is full: ${this.queueSize}.`);
    if (this.#has(options.id)) throw new TypeError(`The id ${options.id} is in use.`);
    return this.#enqueue(this.#queue, fields, listener, options);
  }

  /** Adds a request before the queue, whatever its length. For use in the callback of {@link open}. */
  addFirst(fields: object, listener: AnswerListener): Promise<Envelope> {
    return this.#enqueue(this.#first, fields, listener);
  }

  /** Sends a message without an `id`. Returns false where the queue is not being sent. @throws {SendError} `too_big` */
  post(fields: object): boolean {
    return this.postText(this.#encode(fields));
  }

  /** Sends a message as it is. Returns false where the queue is not being sent. */
  postText(text: string): boolean {
    const isSent = this.isOpen && !this.#sender!.isFull;
    if (isSent) this.#sender!.send(text);
    return isSent;
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
   * Starts sending in a new session: first the requests that `restore` adds, and when its promises have resolved, those in the
   * queue. Then calls `opened`; never where the session ends before. All at once where `restore` returns no promise.
   */
  open(maxBytes: number, sender: Sender, restore: () => readonly Promise<void>[], opened: () => void): void {
    const ended = this.#ended;
    this.#maxBytes = maxBytes;
    this.#sender = sender;
    this.#opened = opened;
    const release = (): void => {
      if (this.#ended !== ended) return;
      this.#isHeld = false;
      this.#start();
    };
    const restoring = restore();
    if (restoring.length) void Promise.all(restoring).then(release);
    else release();
  }

  /** Stops sending while the session is away. Unanswered requests stay, because their answers may follow. */
  pause(): void {
    this.#isAway = true;
    this.#each((request) => request.pause());
  }

  /** Goes on sending where the session has returned. Calls `opened` when the queue is being sent. */
  resume(opened: () => void): void {
    if (!this.#isHeld) this.#opened = opened; // else the session is not open yet, and `opened` is that of `open`
    this.#goOn();
    this.#start();
  }

  /** Settles the request that an envelope answers, if it answers one. */
  settle(envelope: Envelope): void {
    const { type, ref = '', data } = envelope;
    // A handler's own answers carry the ref, too; only a `sys.` message ends the exchange.
    if (!type.startsWith('sys.')) return this.#sent.get(ref)?.listener?.answer?.(data);
    const request = take(this.#sent, ref);
    request?.listener?.ended?.(envelope);
    if (type === 'sys.error') {
      const { code, message, ...details } = data as ErrorData;
      request?.reject(new SendError(code, message, { ...details, sent: true }));
    } else request?.resolve(envelope);
    this.#drainQueue(); // also after a `sys.seen`
  }

  /** Rejects unanswered requests and stops sending. They are not sent again because they may have arrived. */
  failSent(): void {
    this.#ended++;
    this.#sender = undefined;
    this.#isHeld = true;
    this.#goOn();
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
    return !!this.#sender && !this.#isAway && !this.#sender.isFull && this.#sent.size < MAX_UNANSWERED;
  }

  /** Whether a request with this id is not settled. */
  #has(id = ''): boolean {
    return this.#queue.has(id) || this.#first.has(id) || this.#sent.has(id);
  }

  #enqueue(
    queue: Map<string, Request>,
    fields: object,
    listener: AnswerListener | undefined,
    { id = this.#nextId(), timeoutMs }: MessageOptions = {},
  ): Promise<Envelope> {
    const text = this.#encode({ ...fields, id });
    const request = new Request(text, listener, timeoutMs, this.defaultMs, (expired) => this.#expire(id, expired));
    queue.set(id, request);
    if (!this.#isAway) request.goOn();
    this.#drainQueue();
    return request.answered;
  }

  /** Returns an id that no request has, not even one whose id the application chose. */
  #nextId(): string {
    do this.#lastId++;
    while (this.#has(`${this.#lastId}`));
    return `${this.#lastId}`;
  }

  #each(visit: (request: Request) => void): void {
    for (const requests of [this.#queue, this.#first, this.#sent]) requests.forEach(visit);
  }

  /** Starts the time limits that stood still while the session was away. */
  #goOn(): void {
    if (this.#isAway) this.#each((request) => request.goOn());
    this.#isAway = false;
  }

  #start(): void {
    this.#drainQueue();
    if (this.isOpen) this.#opened!();
  }

  #drainQueue(): void {
    const queue = this.#isHeld ? this.#first : this.#queue;
    for (const [id, request] of queue) {
      if (!this.#canSend()) return;
      queue.delete(id);
      // Requests queued before the first welcome were not checked, because the limit was unknown.
      if (this.#isTooBig(request.text)) {
        request.stop();
        request.reject(this.#tooBig());
        continue;
      }
      request.sent();
      this.#sent.set(id, request);
      this.#sender!.send(request.text, id);
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

  #expire(id: string, request: Request): void {
    const sent = this.#sent.has(id);
    for (const requests of [this.#sent, this.#first, this.#queue]) requests.delete(id);
    request.fail('timeout', `No answer in ${request.limitMs} ms.`, { sent });
    this.#drainQueue();
  }
}

/** Removes a request and stops its timer. */
function take(requests: Map<string, Request>, id: string): Request | undefined {
  const request = requests.get(id);
  requests.delete(id);
  request?.stop();
  return request;
}

function rejectAll(requests: Map<string, Request>, ...error: ConstructorParameters<typeof SendError>): void {
  for (const request of requests.values()) request.fail(...error);
  requests.clear();
}

/** Counts UTF-8 bytes without TextEncoder, because WeChat mini programs lack it. */
function utf8Bytes(text: string): number {
  return encodeURIComponent(text).replace(/%../g, '.').length;
}
