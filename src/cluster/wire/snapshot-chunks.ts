import type { SessionInfo } from '../backplane.js';
import { encodeMessage, type MessageOrigin } from './node-codec.js';
import type { Departure, Snapshot } from './node-message.js';

/** Characters of one chunk, roughly, because NATS limits a message to 1 MiB by default. */
const CHUNK_CHARACTERS = 200_000;
/** Characters of a session in JSON beside its id and user. */
const SESSION_CHARACTERS = 20;

/** Encodes a snapshot of all sessions of a node in chunks that fit into a NATS message. */
export function snapshotChunks(
  origin: MessageOrigin,
  { sequence, requestsSnapshots }: Pick<Snapshot, 'sequence' | 'requestsSnapshots'>,
  sessions: Iterable<SessionInfo>,
  departures: readonly Departure[],
): Buffer[] {
  const chunks = chunksOf(sessions);
  return chunks.map((chunkSessions, chunk) => {
    const last = chunk === chunks.length - 1;
    return encodeMessage(origin, {
      kind: 'snapshot',
      sequence,
      first: chunk === 0,
      last,
      chunk,
      requestsSnapshots: requestsSnapshots && last,
      sessions: chunkSessions,
      departures: last ? departures : [],
    });
  });
}

function chunksOf(sessions: Iterable<SessionInfo>): SessionInfo[][] {
  const chunks: SessionInfo[][] = [[]];
  let characters = 0;
  for (const session of sessions) {
    characters += session.id.length + (session.user?.length ?? 0) + SESSION_CHARACTERS;
    if (characters > CHUNK_CHARACTERS) {
      chunks.push([]);
      characters = 0;
    }
    chunks.at(-1)!.push(session);
  }
  return chunks;
}
