import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { NODE_ID_BYTES } from '../protocol/index.js';

/**
 * Holds the id of this node, which begins every session id that this node makes. The id is random for each start and
 * replaced after other nodes fenced this node, so that no id is used twice.
 */
@Injectable()
export class NodeIdentity {
  #id = newNodeId();

  get id(): string {
    return this.#id;
  }

  /** Replaces the id. Session ids made before keep the previous node id. */
  renew(): void {
    this.#id = newNodeId();
  }
}

function newNodeId(): string {
  return randomBytes(NODE_ID_BYTES).toString('base64url');
}
