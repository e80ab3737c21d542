import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Groups, remoteId } from '../support/groups.js';

/** The bound of a membership in a room of ten members, on the node of the session and on each other node. */
const MAX_BYTES = 150;
const SESSIONS = 4000;
const ROOM_MEMBERS = 10;
const REPETITIONS = 5;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the bytes that a function adds to the heap for good: the median, because code is compiled meanwhile. */
function heapBytes(prepare: () => () => void): number {
  const all = Array.from({ length: REPETITIONS }, () => {
    const add = prepare();
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    add();
    collectGarbage();
    return process.memoryUsage().heapUsed - before;
  });
  return all.toSorted((one, other) => one - other)[(REPETITIONS - 1) / 2]!;
}

/** Returns a new text, as a codec reads it from each announcement. */
function read(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Names the rooms of a session: each room has ten members. */
function roomsOf(session: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `room-${index}-${Math.floor(session / ROOM_MEMBERS)}`);
}

/** The bound of docs/scaling.md for a room with one member and a name of 45 characters, on each node. */
const MAX_ROOM_BYTES = 500;

/** Names a room of one member, such as that of a document. */
function roomOfOne(session: number): string {
  return `document-of-one-member-${String(session).padStart(22, '0')}`;
}

describe('a room with one member', () => {
  let groups: Groups;
  /** Kept, so that nothing is freed while the heap is measured. */
  const all: Groups[] = [];

  it('takes at most 500 bytes on the node of the member', () => {
    const bytes = heapBytes(() => {
      all.push((groups = new Groups({ ARRIVAL_NOTICES: 'off' })));
      const sessions = groups.openAll(SESSIONS);
      return () => {
        for (const [index, { session }] of sessions.entries()) groups.rooms.join(session, read(roomOfOne(index)));
        groups.backplane.announced.length = 0;
      };
    });
    expect(groups.rooms.pageOfRooms(undefined, 1).total).toBe(SESSIONS);
    expect(bytes / SESSIONS).toBeLessThan(MAX_ROOM_BYTES);
  });

  it('takes at most 500 bytes on each other node', () => {
    const bytes = heapBytes(() => {
      all.push((groups = new Groups({ ARRIVAL_NOTICES: 'off' })));
      const ids = Array.from({ length: SESSIONS }, (_, index) => remoteId('A', index));
      for (const id of ids) groups.localNode.remoteArrived({ id });
      return () => {
        for (const [index, id] of ids.entries()) groups.localNode.remoteJoined(read(id), read(roomOfOne(index)));
      };
    });
    expect(groups.rooms.size(roomOfOne(0))).toBe(1);
    expect(bytes / SESSIONS).toBeLessThan(MAX_ROOM_BYTES);
  });
});

describe.each([1, 10])('a membership of a session in %i rooms of ten members', (count) => {
  let groups: Groups;
  /** Kept, so that nothing is freed while the heap is measured. */
  const all: Groups[] = [];

  it('takes at most 150 bytes on its own node', () => {
    const bytes = heapBytes(() => {
      all.push((groups = new Groups({ ARRIVAL_NOTICES: 'off', ROOM_NOTICE_LIMIT: '0' })));
      const sessions = groups.openAll(SESSIONS);
      return () => {
        for (const [index, { session }] of sessions.entries())
          for (const room of roomsOf(index, count)) groups.rooms.join(session, room);
        groups.backplane.announced.length = 0;
      };
    });
    expect(groups.rooms.pageOfRooms(undefined, 1).total).toBe((SESSIONS / ROOM_MEMBERS) * count);
    expect(bytes / (SESSIONS * count)).toBeLessThan(MAX_BYTES);
  });

  it('takes at most 150 bytes on each other node', () => {
    const bytes = heapBytes(() => {
      all.push((groups = new Groups({ ARRIVAL_NOTICES: 'off' })));
      const ids = Array.from({ length: SESSIONS }, (_, index) => remoteId('A', index));
      for (const id of ids) groups.localNode.remoteArrived({ id });
      return () => {
        for (const [index, id] of ids.entries())
          for (const room of roomsOf(index, count)) groups.localNode.remoteJoined(read(id), read(room));
      };
    });
    expect(groups.rooms.size(roomsOf(0, 1)[0]!)).toBe(ROOM_MEMBERS);
    expect(bytes / (SESSIONS * count)).toBeLessThan(MAX_BYTES);
  });
});
