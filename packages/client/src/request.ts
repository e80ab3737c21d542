import { SendError } from './send-error.js';
import type { Envelope } from './wire.js';

/** Receives the answers of a handler to one request, and its end. */
export interface AnswerListener {
  answer?(data: unknown): void;
  /** Called with the message that ends the exchange, before any later message is read. */
  ended?(envelope: Envelope): void;
  /** Set where a request that was sent has no time limit: it ends when the server ends the exchange. */
  readonly isStream?: true;
}

/** One message that awaits its answer, and the timer of its time limit. */
export class Request {
  readonly answered: Promise<Envelope>;
  resolve!: (answer: Envelope) => void;
  reject!: (error: SendError) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param timeoutMs the time limit; without one the default applies, and stands still while the session is away
   * @param expired called at the end of the time
   */
  constructor(
    readonly text: string,
    readonly listener: AnswerListener | undefined,
    private timeoutMs: number | undefined,
    private readonly defaultMs: number,
    private readonly expired: (request: Request) => void,
  ) {
    this.answered = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (timeoutMs !== undefined) this.#start();
  }

  get limitMs(): number {
    return this.timeoutMs ?? this.defaultMs;
  }

  /** Starts the default time limit, where it applies. */
  goOn(): void {
    if (this.timeoutMs === undefined) this.#start();
  }

  /** Stops the default time limit, where it applies. */
  pause(): void {
    if (this.timeoutMs === undefined) this.stop();
  }

  /** Ends the time limit of a stream. */
  sent(): void {
    if (!this.listener?.isStream) return;
    this.stop();
    this.timeoutMs = Infinity;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  fail(...error: ConstructorParameters<typeof SendError>): void {
    this.stop();
    this.reject(new SendError(...error));
  }

  #start(): void {
    this.stop();
    this.#timer = setTimeout(() => this.expired(this), this.limitMs);
  }
}
