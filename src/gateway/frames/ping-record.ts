/** The pings of one socket: which one has no answer yet, and what the client has read, as its pongs show. */
export class PingRecord {
  /** Heartbeats without a byte from the client. Written by `Heartbeat`. */
  silentHeartbeats = 0;
  /** Number of the oldest ping without an answer; 0 for none. */
  #number = 0;
  /** Bytes sent before that ping, or before the last answered one. */
  #bytesBefore = 0;
  #confirmedBytes = 0;

  /** Bytes that the client had not confirmed when the oldest ping without an answer was sent. */
  get unconfirmedBytes(): number {
    return this.#bytesBefore - this.#confirmedBytes;
  }

  /** Records a ping behind so many bytes; does nothing while an older one has no answer. */
  sent(number: number, bytesBefore: number): void {
    if (this.#number !== 0) return;
    this.#number = number;
    this.#bytesBefore = bytesBefore;
  }

  /** Records a pong: the client has read what was sent before the ping of this number. */
  answered(number: number): void {
    if (number !== this.#number) return;
    this.#number = 0;
    this.#confirmedBytes = this.#bytesBefore;
  }
}
