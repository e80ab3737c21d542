import { randomBytes } from 'node:crypto';
import { NodeIdentity } from '../node/node-identity.js';
import { SESSION_RANDOM_BYTES, SESSION_RANDOM_CHARACTERS } from '../protocol/index.js';

const POOLED_IDS = 256;

/**
 * Generates session ids: the node id, a dot, and 96 random bits; 25 characters of `A-Za-z0-9_-` and the one dot.
 * The node id is random for each start of a node, so that a cluster routes by it without a directory.
 */
export class SessionIdGenerator {
  /** Random characters in base64url. Its bytes are a multiple of three, so that there is no padding. */
  #pool = '';
  #used = 0;

  constructor(private readonly node: NodeIdentity) {}

  /** Returns an unused id, whose bits come from the cryptographic source of the operating system. */
  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes(SESSION_RANDOM_BYTES * POOLED_IDS).toString('base64url');
      this.#used = 0;
    }
    const random = this.#pool.slice(this.#used, (this.#used += SESSION_RANDOM_CHARACTERS));
    return `${this.node.id}.${random}`;
  }
}
