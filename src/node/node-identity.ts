import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { NODE_ID_BYTES } from '../protocol/index.js';

/** Former ids that are kept; the oldest is dropped first. A node gets one at most every `NODE_TIMEOUT_MS`. */
const MAX_FORMER_IDS = 1024;

/**
 * Holds the id of this node, which begins every session id that this node makes. The id is random for each start and
 * replaced after other nodes fenced this node, so that no id is used twice. A process that takes up the sessions of a former
 * one takes its id, too.
 */
@Injectable()
export class NodeIdentity {
  #id = this.newId();
  readonly #formerIds = new Set<string>();

  get id(): string {
    return this.#id;
  }

  /** Whether an id is or was that of this node. Messages under such an id are this node's own, delayed on their way. */
  isOwn(nodeId: string): boolean {
    return nodeId === this.#id || this.#formerIds.has(nodeId);
  }

  /** Takes the id of a former process, whose sessions this node goes on with. Call it before the node has sessions. */
  adopt(id: string): void {
    this.#id = id;
  }

  /** Replaces the id. Session ids made before keep the previous node id. */
  renew(): void {
    if (this.#formerIds.size >= MAX_FORMER_IDS)
      for (const oldest of this.#formerIds) if (this.#formerIds.delete(oldest)) break;
    this.#formerIds.add(this.#id);
    this.#id = this.newId();
  }

  /** Makes an id. The simulation of the cluster overrides it with a seeded one. */
  protected newId(): string {
    return randomBytes(NODE_ID_BYTES).toString('base64url');
  }
}
