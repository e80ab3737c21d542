import { Injectable } from '@nestjs/common';
import type { SessionPage } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { SortedIds } from '../sessions/sorted-ids.js';

/** Who is where: the ids of all sessions, on this node and on others, in order. */
@Injectable()
export class SessionDirectory {
  /** Sessions of other nodes, with their users where the operator shows them. */
  readonly #elsewhere = new Map<string, string | undefined>();
  readonly #order: SortedIds;

  constructor(private readonly sessions: SessionRegistry) {
    this.#order = new SortedIds(() => this.#ids());
    sessions.addListener('directory', {
      opened: ({ id }) => this.#order.add(id),
      closed: ({ id }) => this.#order.remove(id),
    });
  }

  /** Sessions of all nodes. */
  get size(): number {
    return this.sessions.size + this.#elsewhere.size;
  }

  remoteArrived(id: string, user: string | undefined): void {
    this.#elsewhere.set(id, user);
    this.#order.add(id);
  }

  remoteDeparted(id: string): void {
    this.#elsewhere.delete(id);
    this.#order.remove(id);
  }

  has(id: string): boolean {
    return this.sessions.find(id) !== undefined || this.#elsewhere.has(id);
  }

  userOf(id: string): string | undefined {
    return this.sessions.find(id)?.user ?? this.#elsewhere.get(id);
  }

  /** One page of ids in order. @param after the last page's `next` */
  page(after: string | undefined, limit: number): SessionPage {
    return this.#order.page(after, limit);
  }

  *#ids(): Iterable<string> {
    for (const { id } of this.sessions.all()) yield id;
    yield* this.#elsewhere.keys();
  }
}
