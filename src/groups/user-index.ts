import { Injectable } from '@nestjs/common';
import type { IdPage } from '../sessions/sorted-ids.js';
import type { Session } from '../sessions/session.js';
import { IdOrder } from './id-order.js';
import { RemoteUsers } from './remote-users.js';
import { SessionsByUser } from './sessions-by-user.js';

/** Sessions up to which each page is sorted anew. The order of more sessions is kept from their first page on. */
const FEW_SESSIONS = 64;

/** Receives a user that goes from no session to some, or back. @param sessions number of sessions on all nodes */
export type PresenceCallback = (user: string, sessions: number) => void;

/** The sessions of each user on all nodes. `GroupMembers` adds and removes them. */
@Injectable()
export class UserIndex {
  readonly #local = new SessionsByUser();
  readonly #remote = new RemoteUsers();
  /** The order of the ids of users with many sessions. */
  readonly #orders = new Map<string, IdOrder>();
  readonly #listeners: PresenceCallback[] = [];

  /** Calls the listener each time a user goes from no session on any node to some, or back. */
  onPresence(listener: PresenceCallback): void {
    this.#listeners.push(listener);
  }

  /** Adds a local session; does nothing where it has no user. */
  add(session: Session): void {
    const { user, id } = session;
    if (user !== undefined && this.#local.add(user, session)) this.#added(user, id);
  }

  /** Removes a local session; does nothing for an unknown one. */
  remove(session: Session): void {
    const { user, id } = session;
    if (user !== undefined && this.#local.remove(user, session)) this.#removed(user, id);
  }

  /** Adds a remote session; does nothing for a known one. */
  addRemote(id: string, user: string): void {
    if (this.#remote.add(user, id)) this.#added(user, id);
  }

  /** Removes a remote session; does nothing for an unknown one. */
  removeRemote(id: string, user: string): void {
    if (this.#remote.remove(user, id)) this.#removed(user, id);
  }

  /** Returns the number of sessions of a user on all nodes. */
  count(user: string): number {
    return this.#local.count(user) + this.#remote.count(user);
  }

  /** Returns the number of sessions of a user on other nodes. */
  remoteCount(user: string): number {
    return this.#remote.count(user);
  }

  /** Returns the sessions of a user on this node. */
  local(user: string): readonly Session[] {
    return this.#local.of(user);
  }

  /** Lists the ids of the sessions of a user on other nodes, in no order. */
  remote(user: string): Iterable<string> {
    return this.#remote.ids(user);
  }

  /** Returns the ids of the other nodes that have sessions of a user, each once. */
  nodes(user: string): readonly string[] {
    return this.#remote.nodeIds(user);
  }

  /** Returns the ids of the sessions of a user on all nodes, in order. */
  ids(user: string): string[] {
    return this.#ids(user).toSorted();
  }

  /** Returns one page of the ids of the sessions of a user, in order. @param after the last page's `next` */
  page(user: string, after: string | undefined, limit: number): IdPage {
    const order = this.#orders.get(user) ?? new IdOrder(this.#ids(user));
    if (this.count(user) > FEW_SESSIONS) this.#orders.set(user, order);
    return order.page(after, limit);
  }

  #ids(user: string): string[] {
    return [...this.#local.of(user).map(({ id }) => id), ...this.#remote.ids(user)];
  }

  #added(user: string, id: string): void {
    this.#orders.get(user)?.add(id);
    const sessions = this.count(user);
    if (sessions === 1) this.#notify(user, sessions);
  }

  #removed(user: string, id: string): void {
    const sessions = this.count(user);
    // Half of the bound, so that a user at the bound does not have its sessions sorted again and again.
    if (sessions < FEW_SESSIONS / 2) this.#orders.delete(user);
    else this.#orders.get(user)?.remove(id);
    if (sessions === 0) this.#notify(user, sessions);
  }

  #notify(user: string, sessions: number): void {
    for (const listener of this.#listeners) listener(user, sessions);
  }
}
