import { randomBytes } from 'node:crypto';

const NODE_BYTES = 6;
const SESSION_BYTES = 12;
const POOLED_IDS = 256;

/**
 * Makes session ids: the node part, a dot, and 96 random bits, 25 characters of `A-Za-z0-9_-` and the one dot.
 * The node part is random for each start, so that a cluster can route by it without a directory.
 */
export class SessionIds {
  /** 48 random bits, base64url. */
  readonly nodePart = randomBytes(NODE_BYTES).toString('base64url');
  #pool: Buffer = Buffer.alloc(0);
  #used = 0;

  /** Returns an id that was never used: its bits come from the operating system's cryptographic source. */
  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes(SESSION_BYTES * POOLED_IDS);
      this.#used = 0;
    }
    const random = this.#pool.toString('base64url', this.#used, (this.#used += SESSION_BYTES));
    return `${this.nodePart}.${random}`;
  }
}
