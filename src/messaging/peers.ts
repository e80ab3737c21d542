import type { Session } from '../sessions/session.js';

/** Peers remembered for one session; the one met first is forgotten first. */
const MAX_PEERS = 256;

/** A session of this node, or the id of another node's. */
export type Peer = Session | string;

/** Who exchanged a message with whom, so that only they are told of a departure. */
export class Peers {
  readonly #peers = new Map<Peer, Set<Peer>>();

  record(one: Peer, other: Peer): void {
    this.#remember(one, other);
    this.#remember(other, one);
  }

  /** Forgets a session that left and returns whom it had met. */
  forget(session: Peer): Iterable<Peer> {
    const met = this.#peers.get(session) ?? new Set<Peer>();
    this.#peers.delete(session);
    for (const peer of met) this.#peers.get(peer)?.delete(session);
    return met;
  }

  #remember(session: Peer, peer: Peer): void {
    let met = this.#peers.get(session);
    if (met === undefined) this.#peers.set(session, (met = new Set()));
    if (met.has(peer)) return;
    if (met.size >= MAX_PEERS) {
      const [oldest] = met;
      if (oldest !== undefined) {
        met.delete(oldest);
        this.#peers.get(oldest)?.delete(session);
      }
    }
    met.add(peer);
  }
}
