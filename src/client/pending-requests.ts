import { SendError } from './send-error.js';
import type { Envelope, ErrorData } from './messages.js';

interface Message {
  readonly text: string;
  readonly resolve: (answer: Envelope) => void;
  readonly reject: (error: SendError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Messages that await their answer at a time; the next wait in the queue. */
const MAX_UNANSWERED = 256;

/** Every message on its way and the promise that says what became of it: none is sent twice, none forgotten. */
export class PendingRequests {
  readonly #queue = new Map<string, Message>();
  readonly #sent = new Map<string, Message>();
  #lastId = 0;
  #maxBytes = Infinity;
  #line: ((text: string) => void) | undefined;

  constructor(private readonly queueSize: number) {}

  /** Resolves to the server's answer. @throws {SendError} or what `JSON.stringify` throws */
  async add(fields: object, timeoutMs: number): Promise<Envelope> {
    const id = (++this.#lastId).toString(36);
    const text = JSON.stringify({ ...fields, id });
    if (this.#isTooBig(text)) throw this.#tooBig();
    if (this.#queue.size >= this.queueSize && !this.#free())
      throw new SendError('queue_full', `${this.queueSize} messages are waiting.`);
    return new Promise<Envelope>((resolve, reject) => {
      const timer = setTimeout(() => this.#late(id, timeoutMs), timeoutMs);
      this.#queue.set(id, { text, resolve, reject, timer });
      this.#pump();
    });
  }

  /** From now on messages go out, first those that waited. */
  open(maxBytes: number, send: (text: string) => void): void {
    this.#maxBytes = maxBytes;
    this.#line = send;
    this.#pump();
  }

  /** Settles the message that is answered. */
  answered({ type, ref = '', data }: Envelope): void {
    const message = this.#sent.get(ref);
    // A handler's own answers bear the ref too; what ends the exchange is the server's.
    if (message === undefined || !type.startsWith('sys.')) return;
    this.#sent.delete(ref);
    clearTimeout(message.timer);
    if (type === 'sys.error') {
      const { code, message: text, ...details } = data as ErrorData;
      message.reject(new SendError(code, text, { ...details, sent: true }));
    } else message.resolve({ type, ref, data } as Envelope);
    this.#pump();
  }

  /** The connection ended: what was sent is never sent again, because it may have arrived. */
  lost(): void {
    this.#line = undefined;
    const error = ['unknown_outcome', 'The connection ended before the answer came.'] as const;
    settle(this.#sent, () => new SendError(...error, { sent: true }));
  }

  end(why: string): void {
    this.lost();
    settle(this.#queue, () => new SendError('closed', why));
  }

  #free(): boolean {
    return this.#line !== undefined && this.#sent.size < MAX_UNANSWERED;
  }

  #pump(): void {
    for (const [id, message] of this.#queue) {
      if (!this.#free()) return;
      this.#queue.delete(id);
      // What waited for the first welcome was let in before anybody knew how much the server takes.
      if (this.#isTooBig(message.text)) {
        clearTimeout(message.timer);
        message.reject(this.#tooBig());
        continue;
      }
      this.#sent.set(id, message);
      this.#line!(message.text);
    }
  }

  #isTooBig(text: string): boolean {
    return text.length * 3 > this.#maxBytes && utf8Bytes(text) > this.#maxBytes;
  }

  #tooBig(): SendError {
    return new SendError('too_big', `The server takes ${this.#maxBytes} bytes.`);
  }

  #late(id: string, timeoutMs: number): void {
    const sent = this.#sent.has(id);
    const message = this.#sent.get(id) ?? this.#queue.get(id);
    this.#sent.delete(id);
    this.#queue.delete(id);
    message!.reject(new SendError('timeout', `No answer within ${timeoutMs} ms.`, { sent }));
    this.#pump();
  }
}

function settle(messages: Map<string, Message>, error: () => SendError): void {
  for (const [id, { timer, reject }] of messages) {
    messages.delete(id);
    clearTimeout(timer);
    reject(error());
  }
}

/** Without TextEncoder, which mini programs lack. */
function utf8Bytes(text: string): number {
  return encodeURIComponent(text).replace(/%../g, '.').length;
}
