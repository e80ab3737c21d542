import { Injectable } from '@nestjs/common';
import { NODE_ID_CHARACTERS, type SessionEntry } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { SortedIds, type IdPage } from '../sessions/sorted-ids.js';

/** Receives the changes of state of the sessions of all nodes. */
export interface StateListener {
  /** Called when a session loses its connection and may come back. */
  away(id: string): void;
  /** Called when a session of a former process was opened, which is away. */
  restored(id: string): void;
  /** Called when the client of an away session has come back. */
  back(id: string): void;
  /** Called when a session has ended. */
  ended(id: string): void;
}

/** The only copy of where sessions are: the remote ones by their nodes, and the ids of all in order. */
@Injectable()
export class SessionDirectory {
  /** Remote sessions by node id, with their users. */
  readonly #remote = new Map<string, Map<string, string | undefined>>();
  #remoteSize = 0;
  /** Remote sessions that are away. */
  readonly #remoteAway = new Set<string>();
  readonly #listeners: StateListener[] = [];
  readonly #order: SortedIds;

  constructor(private readonly sessions: SessionRegistry) {
    this.#order = new SortedIds(() => this.#ids());
    sessions.addListener('directory', {
      opened: ({ id }) => this.#order.add(id),
      restored: ({ id }) => {
        this.#order.add(id);
        for (const listener of this.#listeners) listener.restored(id);
      },
      away: ({ id }) => this.#notify('away', id),
      back: ({ id }) => this.#notify('back', id),
      closed: ({ id }) => {
        this.#order.remove(id);
        this.#notify('ended', id);
      },
    });
  }

  addListener(listener: StateListener): void {
    this.#listeners.push(listener);
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
    this.#remoteAway.delete(id);
    this.#order.remove(id);
    this.#notify('ended', id);
    return true;
  }

  /** Records that a remote session is away. Does nothing for an unknown one. */
  setRemoteAway(id: string): void {
    if (this.#remoteAway.has(id) || this.#remote.get(nodeIdIn(id))?.has(id) !== true) return;
    this.#remoteAway.add(id);
    this.#notify('away', id);
  }

  /** Records that the client of a remote session has come back. */
  setRemoteBack(id: string): void {
    if (this.#remoteAway.delete(id)) this.#notify('back', id);
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

  /** Returns whether a session has lost its connection and may come back. */
  isAway(id: string): boolean {
    const session = this.sessions.find(id);
    return session === undefined ? this.#remoteAway.has(id) : session.state === 'away';
  }

  /**
   * Returns the entries of a page: ids, and objects for sessions that are away and for those with a user to show.
   *
   * @param shown whether the operator shows users
   */
  entries(ids: readonly string[], { showUsers }: { readonly showUsers: boolean }): readonly SessionEntry[] {
    return ids.map((id) => {
      const isAway = this.isAway(id);
      if (!showUsers && !isAway) return id;
      const user = showUsers ? this.userOf(id) : undefined;
      return { id, ...(user !== undefined && { user }), ...(isAway && { away: true }) };
    });
  }

  /** Returns one page of the ids of all sessions, in order. @param after the last page's `next` */
  page(after: string | undefined, limit: number): IdPage {
    return this.#order.page(after, limit);
  }

  #notify(change: keyof StateListener, id: string): void {
    for (const listener of this.#listeners) listener[change](id);
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
