import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Groups, remoteId } from '../support/groups.js';

/** The promise of the issue, on the node of the session and on each other node. */
const MAX_BYTES = 150;
const SESSIONS = 2000;
const ROOM_MEMBERS = 10;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the bytes that a function adds to the heap for good. */
function heapBytes(add: () => void): number {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  add();
  collectGarbage();
  return process.memoryUsage().heapUsed - before;
}

/** Names the rooms of a session: each room has ten members. */
function roomsOf(session: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `room-${index}-${Math.floor(session / ROOM_MEMBERS)}`);
}

describe.each([1, 10])('a membership of a session in %i rooms of ten members', (count) => {
  it('takes at most 150 bytes on its own node', () => {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off', ROOM_NOTICE_LIMIT: '0' });
    const sessions = groups.openAll(SESSIONS);
    const bytes = heapBytes(() => {
      for (const [index, { session }] of sessions.entries())
        for (const room of roomsOf(index, count)) groups.rooms.join(session, room);
      groups.backplane.announced.length = 0;
    });
    expect(groups.rooms.pageOfRooms(undefined, 1).total).toBe((SESSIONS / ROOM_MEMBERS) * count);
    expect(bytes / (SESSIONS * count)).toBeLessThan(MAX_BYTES);
  });

  it('takes at most 150 bytes on each other node', () => {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off' });
    const ids = Array.from({ length: SESSIONS }, (_, index) => remoteId('A', index));
    for (const id of ids) groups.localNode.remoteArrived({ id });
    const bytes = heapBytes(() => {
      for (const index of ids.keys())
        // A new text for each announcement, as a codec reads it.
        for (const room of roomsOf(index, count)) groups.localNode.remoteJoined(remoteId('A', index), room);
    });
    expect(groups.rooms.size(roomsOf(0, 1)[0]!)).toBe(ROOM_MEMBERS);
    expect(bytes / (SESSIONS * count)).toBeLessThan(MAX_BYTES);
  });
});
