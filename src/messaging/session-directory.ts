import { Injectable } from '@nestjs/common';
import { NODE_ID_CHARACTERS } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { SortedIds, type IdPage } from '../sessions/sorted-ids.js';

/** The only copy of where sessions are: the remote ones by their nodes, and the ids of all in order. */
@Injectable()
export class SessionDirectory {
  /** Remote sessions by node id, with their users. */
  readonly #remote = new Map<string, Map<string, string | undefined>>();
  #remoteSize = 0;
  readonly #order: SortedIds;

  constructor(private readonly sessions: SessionRegistry) {
    this.#order = new SortedIds(() => this.#ids());
    sessions.addListener('directory', {
      opened: ({ id }) => this.#order.add(id),
      closed: ({ id }) => this.#order.remove(id),
    });
  }

  /** The number of sessions on all nodes. */
  get size(): number {
    return this.sessions.size + this.#remoteSize;
  }

  /** Adds a remote session. @returns `false` for a known one */
  addRemote(id: string, user: string | undefined): boolean {
    const nodeId = nodeIdIn(id);
    let users = this.#remote.get(nodeId);
    if (users === undefined) this.#remote.set(nodeId, (users = new Map()));
    if (users.has(id)) return false;
    users.set(id, user);
    this.#remoteSize++;
    this.#order.add(id);
    return true;
  }

  /** Removes a remote session. @returns `false` for an unknown one */
  removeRemote(id: string): boolean {
    const nodeId = nodeIdIn(id);
    const users = this.#remote.get(nodeId);
    if (users?.delete(id) !== true) return false;
    this.#remoteSize--;
    if (users.size === 0) this.#remote.delete(nodeId);
    this.#order.remove(id);
    return true;
  }

  /** Lists the ids of one node's remote sessions. The current one may be removed while iterating. */
  remoteSessions(nodeId: string): Iterable<string> {
    return this.#remote.get(nodeId)?.keys() ?? [];
  }

  has(id: string): boolean {
    return this.sessions.find(id) !== undefined || this.#remote.get(nodeIdIn(id))?.has(id) === true;
  }

  userOf(id: string): string | undefined {
    return this.sessions.find(id)?.user ?? this.#remote.get(nodeIdIn(id))?.get(id);
  }

  /** Returns one page of the ids of all sessions, in order. @param after the last page's `next` */
  page(after: string | undefined, limit: number): IdPage {
    return this.#order.page(after, limit);
  }

  *#ids(): Iterable<string> {
    for (const { id } of this.sessions.all()) yield id;
    for (const users of this.#remote.values()) yield* users.keys();
  }
}

/** Returns the node id in a session id. */
export function nodeIdIn(id: string): string {
  return id.slice(0, NODE_ID_CHARACTERS);
}
