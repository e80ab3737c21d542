import type { SessionInfo } from '../backplane.js';
import { encodeMessage, type MessageOrigin } from './node-codec.js';

/** Characters of one piece, roughly; NATS carries a million bytes in a message unless it is told otherwise. */
const PIECE_CHARACTERS = 200_000;
/** Departures whose code is remembered for nodes that missed them. */
const MAX_LEFT = 1000;
/** What an entry costs beside its texts. */
const ENTRY_CHARACTERS = 20;

/** Codes of the last departures. */
export class RecentDepartures {
  readonly #codes = new Map<string, number>();

  note(id: string, code: number): void {
    if (this.#codes.size >= MAX_LEFT) for (const oldest of this.#codes.keys()) if (this.#codes.delete(oldest)) break;
    this.#codes.set(id, code);
  }

  all(): [id: string, code: number][] {
    return [...this.#codes];
  }
}

/** Encodes all sessions of a node, in pieces that fit into a message. */
export function snapshotChunks(
  origin: MessageOrigin,
  sequence: number,
  asks: boolean,
  here: Iterable<SessionInfo>,
  recentDepartures: RecentDepartures,
): Buffer[] {
  const pieces: SessionInfo[][] = [[]];
  let characters = 0;
  for (const place of here) {
    characters += place.id.length + (place.user?.length ?? 0) + ENTRY_CHARACTERS;
    if (characters > PIECE_CHARACTERS) {
      pieces.push([]);
      characters = 0;
    }
    pieces.at(-1)!.push(place);
  }
  return pieces.map((piece, index) => {
    const last = index === pieces.length - 1;
    const [first, left] = [index === 0, last ? recentDepartures.all() : []];
    const which = { first, last, piece: index, asks: asks && last };
    return encodeMessage(origin, { kind: 'snapshot', sequence, ...which, here: piece, left });
  });
}
