import type { SessionInfo } from '../backplane.js';
import { encodeMessage, type MessageOrigin } from './node-codec.js';
import type { Departure, Snapshot } from './node-message.js';

/** Bytes of the lists in one chunk at most, so that a chunk does not block the event loop for long. */
const MAX_CHUNK_BYTES = 200_000;
/** Bytes of a chunk beside the lists: the head and the other fields. */
const HEAD_BYTES = 400;
/** Bytes of a session or departure in JSON beside its id, user and rooms. */
const ENTRY_BYTES = 24;
/** Bytes of the state of a session that is away. */
const AWAY_BYTES = 12;
/** Bytes of a list of rooms in JSON, and of each room beside its name. */
const ROOMS_BYTES = 12;
const ROOM_BYTES = 3;
/** Rooms in one entry of a session, so that an entry always fits into a chunk. The receiver merges the entries. */
const MAX_ROOMS_PER_ENTRY = 256;

/** The moment and the place of a snapshot among the messages of its node. */
export interface SnapshotHead extends Pick<Snapshot, 'sequence' | 'requestsSnapshots'> {
  readonly sentAtMs?: number;
}

/** Encodes a snapshot of all sessions of a node in chunks of at most `maxBytes` bytes. */
export function snapshotChunks(
  origin: MessageOrigin,
  { sequence, requestsSnapshots, sentAtMs }: SnapshotHead,
  sessions: Iterable<SessionInfo>,
  departures: readonly Departure[],
  maxBytes = MAX_CHUNK_BYTES,
): Buffer[] {
  const listBytes = Math.min(MAX_CHUNK_BYTES, maxBytes - HEAD_BYTES);
  const chunks = split(entriesOf(sessions), sessionBytes, listBytes);
  // Only the last chunk has departures; the most recent ones, where not all fit.
  const recent = split(departures.toReversed(), departureBytes, listBytes)[0]!.toReversed();
  if (bytesOf(chunks.at(-1)!, sessionBytes) + bytesOf(recent, departureBytes) > listBytes) chunks.push([]);
  return chunks.map((chunkSessions, chunk) => {
    const last = chunk === chunks.length - 1;
    const body = { sequence, first: chunk === 0, last, chunk, requestsSnapshots: requestsSnapshots && last };
    const lists = { sessions: chunkSessions, departures: last ? recent : [] };
    return encodeMessage(origin, { kind: 'snapshot', ...body, ...lists }, sentAtMs);
  });
}

/** Lists each session, and a session with many rooms several times, each time with other rooms. */
function* entriesOf(sessions: Iterable<SessionInfo>): Iterable<SessionInfo> {
  for (const session of sessions) {
    const { rooms = [] } = session;
    if (rooms.length <= MAX_ROOMS_PER_ENTRY) yield session;
    else
      for (let from = 0; from < rooms.length; from += MAX_ROOMS_PER_ENTRY)
        yield { ...session, rooms: rooms.slice(from, from + MAX_ROOMS_PER_ENTRY) };
  }
}

/** Splits a list into lists of at most `maxBytes` bytes; at least one, which may be empty. */
function split<Item>(items: Iterable<Item>, itemBytes: (item: Item) => number, maxBytes: number): Item[][] {
  const lists: Item[][] = [[]];
  let total = 0;
  for (const item of items) {
    const bytes = itemBytes(item);
    if (total + bytes > maxBytes && lists.at(-1)!.length > 0) {
      lists.push([]);
      total = 0;
    }
    total += bytes;
    lists.at(-1)!.push(item);
  }
  return lists;
}

function bytesOf<Item>(items: readonly Item[], itemBytes: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + itemBytes(item), 0);
}

/** Returns the bytes of a session in JSON. Ids and rooms are ASCII; a user may be any text. */
function sessionBytes({ id, user, rooms, away }: SessionInfo): number {
  let bytes = id.length + ENTRY_BYTES + (away === true ? AWAY_BYTES : 0);
  if (user !== undefined) bytes += Buffer.byteLength(JSON.stringify(user));
  if (rooms === undefined) return bytes;
  return rooms.reduce((sum, room) => sum + room.length + ROOM_BYTES, bytes + ROOMS_BYTES);
}

function departureBytes([id]: Departure): number {
  return id.length + ENTRY_BYTES;
}
