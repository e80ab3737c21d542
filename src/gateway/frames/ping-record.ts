/** Pings of one socket that may wait for an answer; further ones take the place of the newest. */
const MAX_PINGS = 16;

interface Ping {
  readonly number: number;
  /** Bytes sent before it. */
  readonly bytesBefore: number;
}

/**
 * The pings of one socket: which ones have no answer yet, and what the client has read, as its pongs show. Most sockets have
 * one such ping at most, which costs no object.
 */
export class PingRecord {
  /** Heartbeats without a byte from the client. Written by `Heartbeat`. */
  silentHeartbeats = 0;
  /** Number of the oldest ping without an answer; 0 where all have one. */
  #number = 0;
  /** Bytes sent before that ping. */
  #bytesBefore = 0;
  /** Further pings without an answer, oldest first. */
  #later: Ping[] | undefined;
  #confirmedBytes = 0;
  /** Bytes that the system had taken at the last progress; `undefined` where none waited for it. */
  #takenBytes: number | undefined;

  /** Bytes that the client has read, as its pongs show. */
  get confirmedBytes(): number {
    return this.#confirmedBytes;
  }

  /** Bytes that the client had not confirmed when the oldest ping without an answer was sent. */
  get unconfirmedBytes(): number {
    return this.#number === 0 ? 0 : this.#bytesBefore - this.#confirmedBytes;
  }

  /**
   * Returns whether the client reads, although it may be silent: since the last progress the system has taken at least so
   * many of the bytes that waited for it. It takes none for a client that is gone, because its buffers are full then.
   *
   * @param takenBytes bytes that the system has taken so far
   * @param isWaiting whether further bytes wait for the system
   */
  progressed(takenBytes: number, isWaiting: boolean, leastBytes: number): boolean {
    const progress = this.#takenBytes !== undefined && takenBytes - this.#takenBytes >= leastBytes;
    if (!isWaiting) this.#takenBytes = undefined;
    else if (progress || this.#takenBytes === undefined) this.#takenBytes = takenBytes;
    return progress;
  }

  /** Records a ping behind so many bytes. @param number higher than those before, at least 1 */
  sent(number: number, bytesBefore: number): void {
    if (this.#number === 0) return this.#setOldest(number, bytesBefore);
    const later = (this.#later ??= []);
    if (later.length === MAX_PINGS - 1) later.pop();
    later.push({ number, bytesBefore });
  }

  /**
   * Records a pong: the client has read what was sent before the ping of this number. The pong answers all earlier pings,
   * too, because a client may answer only the newest one (RFC 6455, 5.5.3). A number that was never sent answers none.
   */
  answered(number: number): void {
    if (number > (this.#later?.at(-1)?.number ?? this.#number)) return;
    while (this.#number !== 0 && this.#number <= number) {
      this.#confirmedBytes = this.#bytesBefore;
      const next = this.#later?.shift();
      this.#setOldest(next?.number ?? 0, next?.bytesBefore ?? 0);
    }
    if (this.#number === 0) this.#later = undefined;
  }

  #setOldest(number: number, bytesBefore: number): void {
    this.#number = number;
    this.#bytesBefore = bytesBefore;
  }
}
