import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

const NODE_BYTES = 6;

/**
 * What this node is called: 48 random bits, base64url, which begin each of its session ids. Random for each start, and
 * taken anew when other nodes have given this one up, so that a name is never heard twice.
 */
@Injectable()
export class NodeIdentity {
  #part = newPart();

  get id(): string {
    return this.#part;
  }

  /** Takes another name; ids made before keep the old one. */
  renew(): void {
    this.#part = newPart();
  }
}

function newPart(): string {
  return randomBytes(NODE_BYTES).toString('base64url');
}
