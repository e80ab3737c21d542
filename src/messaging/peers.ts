import type { Session } from '../sessions/session.js';

/** Peers of one session; the oldest is forgotten first. */
const MAX_PEERS = 256;

/** A local session, or the id of a remote one. */
export type SessionRef = Session | string;

/** Records which sessions exchanged a message, for departure notices with `NOTICE_SCOPE=peers`. */
export class Peers {
  readonly #peersOf = new Map<SessionRef, Set<SessionRef>>();

  record(one: SessionRef, other: SessionRef): void {
    this.#add(one, other);
    this.#add(other, one);
  }

  /** Returns the peers of a session. They must not change while the caller reads them. */
  of(session: SessionRef): Iterable<SessionRef> {
    return this.#peersOf.get(session) ?? [];
  }

  /** Forgets a session that departed, and returns its peers. */
  forget(session: SessionRef): Iterable<SessionRef> {
    const peers = this.#peersOf.get(session) ?? new Set<SessionRef>();
    this.#peersOf.delete(session);
    for (const peer of peers) this.#peersOf.get(peer)?.delete(session);
    return peers;
  }

  /** Lists the ids of the peers of a session; `undefined` where there are none. */
  idsOf(session: Session): readonly string[] | undefined {
    const peers = this.#peersOf.get(session);
    return peers && Array.from(peers, (peer) => (typeof peer === 'string' ? peer : peer.id));
  }

  #add(session: SessionRef, peer: SessionRef): void {
    let peers = this.#peersOf.get(session);
    if (peers === undefined) this.#peersOf.set(session, (peers = new Set()));
    if (peers.has(peer)) return;
    if (peers.size >= MAX_PEERS) {
      const [oldest] = peers;
      if (oldest !== undefined) {
        peers.delete(oldest);
        this.#peersOf.get(oldest)?.delete(session);
      }
    }
    peers.add(peer);
  }
}
