import { MAX_TIMER_MS, SEEN_CHARACTERS, SEEN_FRAMES, SEEN_MS } from './limits.js';
import type { Welcome } from './wire.js';

/** A sent frame, and the `ref` of its answer. */
type SentFrame = readonly [text: string, id: string | undefined];

export interface ResumptionEvents {
  /** Sends a `sys.seen`, if there is a connection. */
  report(text: string): void;
  /** Called where the time of the session is over, and no handshake has offered the session. */
  expired(): void;
}

/**
 * Keeps what a session needs to return on another connection: its token, the number of frames received, and the frames that
 * the server has not seen. Both sides count text frames, the welcome and `sys.seen` excepted. Empty for a session that ends
 * with its connection.
 */
export class Resumption {
  #token: string | undefined;
  /** How long the session is kept after the server has noticed the loss, and how late it may notice. */
  #keptMs = 0;
  #received = 0;
  /** The part of the received frames that was reported. */
  #reported = 0;
  #unreportedCharacters = 0;
  #unseen: SentFrame[] = [];
  #unseenCharacters = 0;
  /** Sent frames that the server has seen. */
  #seen = 0;
  #reportTimer: ReturnType<typeof setTimeout> | undefined;
  #expiryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether a handshake has no outcome yet. */
  #isOffered = false;
  /** Whether the time of the session is over, and the outcome of a handshake decides whether the session has returned. */
  #isOverdue = false;

  /** @param size characters of unseen frames from which on no request is sent */
  constructor(
    private readonly size: number,
    private readonly events: ResumptionEvents,
  ) {}

  /** Whether there is a session that may return. */
  get mayReturn(): boolean {
    return this.#token !== undefined;
  }

  get isFull(): boolean {
    return this.#unseenCharacters >= this.size;
  }

  /**
   * Returns the subprotocol that asks for a session which may return, or for the return of the session. The session then lasts
   * until {@link welcomed} or {@link lost}, because the server may have accepted the offer.
   */
  offer(): string {
    this.#isOffered = true;
    return this.mayReturn ? `resume.${this.#token}.${this.#received}` : 'resume';
  }

  /** Reads the welcome of a connection. Returns the frames to send again where the session has returned. */
  welcomed({ resume, resumed, received, heartbeatMs }: Welcome): readonly SentFrame[] | undefined {
    const returned = resumed && this.mayReturn;
    if (returned) this.seen(received!);
    else this.end();
    clearTimeout(this.#expiryTimer);
    this.#expiryTimer = undefined;
    this.#isOffered = this.#isOverdue = false;
    this.#token = resume?.token;
    if (resume) this.#keptMs = Math.min(MAX_TIMER_MS, resume.windowMs + 2 * heartbeatMs);
    return returned ? this.#unseen : undefined;
  }

  sent(...frame: SentFrame): void {
    if (!this.mayReturn) return;
    this.#unseen.push(frame);
    this.#unseenCharacters += frame[0].length;
  }

  /** Forgets sent frames. @param frames the number of frames that the server has received */
  seen(frames: number): void {
    for (const [text] of this.#unseen.splice(0, frames - this.#seen)) {
      this.#seen++;
      this.#unseenCharacters -= text.length;
    }
  }

  /** Counts a received frame, and reports the count in time. */
  received(characters: number): void {
    if (!this.mayReturn) return;
    this.#received++;
    this.#unreportedCharacters += characters;
    if (this.#received - this.#reported >= SEEN_FRAMES || this.#unreportedCharacters >= SEEN_CHARACTERS) this.#report();
    else this.#reportTimer ??= setTimeout(() => this.#report(), SEEN_MS);
  }

  /**
   * Reports for the last time before the end of a connection, or of an attempt. From now on the session is away, or forgotten
   * where its time is over. The caller then changes its phase.
   */
  lost(): void {
    this.#report();
    this.#isOffered = false;
    if (this.#isOverdue) this.end();
    else if (this.mayReturn) this.#expiryTimer ??= setTimeout(() => this.#expire(), this.#keptMs);
  }

  /** Forgets the session. */
  end(): void {
    clearTimeout(this.#reportTimer);
    clearTimeout(this.#expiryTimer);
    this.#token = this.#reportTimer = this.#expiryTimer = undefined;
    this.#isOverdue = false;
    this.#received = this.#reported = this.#seen = this.#unseenCharacters = this.#unreportedCharacters = 0;
    this.#unseen = [];
  }

  #report(): void {
    clearTimeout(this.#reportTimer);
    this.#reportTimer = undefined;
    if (this.#received === this.#reported) return;
    this.#reported = this.#received;
    this.#unreportedCharacters = 0;
    this.events.report(JSON.stringify({ type: 'sys.seen', data: { frames: this.#received } }));
  }

  #expire(): void {
    this.#isOverdue = this.#isOffered;
    if (this.#isOverdue) return;
    this.end();
    this.events.expired();
  }
}
