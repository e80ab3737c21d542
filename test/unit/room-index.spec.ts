import { beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/sessions/session.js';
import { Groups, received, remoteId } from '../support/groups.js';
import { Random } from '../support/random.js';
import type { FakeSession } from '../support/sessions.js';

const LIMIT = 3;

describe('the index of rooms', () => {
  let groups: Groups;

  beforeEach(() => {
    groups = new Groups({ MAX_ROOMS_PER_SESSION: String(LIMIT), ARRIVAL_NOTICES: 'off' });
  });

  function members(count: number, room = 'garden'): readonly FakeSession[] {
    const sessions = groups.openAll(count);
    for (const { session } of sessions) groups.rooms.join(session, room);
    return sessions;
  }

  it('notifies the members, and not the newcomer, when a session joins', () => {
    const [ann, ben, cem] = members(3);
    expect(received(ann!)).toEqual(['sys.joined #garden', 'sys.joined #garden']);
    expect(ann!.connection.envelopes.slice(1).map(({ sender }) => sender)).toEqual([ben!.session.id, cem!.session.id]);
    expect(received(cem!)).toEqual([]);
  });

  it('lists the members in order, whatever their node', () => {
    const [ann, ben] = members(2);
    groups.localNode.remoteArrived({ id: remoteId('A', 1) });
    groups.localNode.remoteJoined(remoteId('A', 1), 'garden');
    const ids = [ann!.session.id, ben!.session.id, remoteId('A', 1)].toSorted();
    expect(groups.rooms.page('garden', undefined, Infinity).sessions).toEqual(ids);
    expect(groups.rooms.page('garden', undefined, 2)).toEqual({ sessions: ids.slice(0, 2), total: 3, next: ids[1] });
    expect(groups.rooms.page('garden', ids[1], 2)).toEqual({ sessions: ids.slice(2), total: 3 });
    expect(groups.rooms.page('nowhere', undefined, 2)).toEqual({ sessions: [], total: 0 });
  });

  it('counts the notices of a session for its turn of the event loop', () => {
    const [ann, ben] = members(400);
    const { outbox } = ann!.session;
    for (let time = 0; time < 100 && !outbox.saturated; time++) {
      groups.rooms.leave(ann!.session, 'garden');
      groups.rooms.join(ann!.session, 'garden');
    }
    expect([outbox.saturated, ben!.session.outbox.saturated]).toEqual([true, false]);
    outbox.flush();
    expect(outbox.saturated).toBe(false);
  });

  it('notifies nobody when a member joins twice', () => {
    const [ann, ben] = members(2);
    expect(groups.rooms.join(ben!.session, 'garden')).toBe('member');
    expect(received(ann!)).toHaveLength(1);
    expect(groups.rooms.size('garden')).toBe(2);
    expect(groups.backplane.announced.filter((each) => each.startsWith('joined'))).toHaveLength(2);
  });

  it('notifies the members when a session leaves, once', () => {
    const [ann, ben] = members(2);
    expect([groups.rooms.leave(ben!.session, 'garden'), groups.rooms.leave(ben!.session, 'garden')]).toEqual([
      true,
      false,
    ]);
    expect(received(ann!).slice(1)).toEqual(['sys.left #garden']);
    expect(ann!.connection.envelopes.at(-1)).toMatchObject({ sender: ben!.session.id, data: {} });
    expect(received(ben!)).toEqual([]);
    expect(groups.backplane.announced.at(-1)).toBe('left garden');
  });

  it('notifies the members of each room with the code when a session ends, and other nodes of the end alone', () => {
    const [ann, ben] = members(2);
    for (const { session } of [ann!, ben!]) groups.rooms.join(session, 'yard');
    groups.registry.end(ben!.session, 1006);
    const left = (): unknown[] => ann!.connection.envelopes.filter(({ type }) => type === 'sys.left');
    received(ann!);
    expect(left()).toEqual(
      ['#garden', '#yard'].map((receiver) => ({
        type: 'sys.left',
        sender: ben!.session.id,
        receiver,
        data: { code: 1006 },
      })),
    );
    expect(groups.backplane.announced.slice(-1)).toEqual(['departed 1006']);
    expect(groups.rooms.roomsOf(ben!.session)).toEqual([]);
  });

  it('discards a room with its last member', () => {
    const [ann] = members(1);
    expect(groups.rooms.pageOfRooms(undefined, 5)).toEqual({ rooms: [{ room: 'garden', total: 1 }], total: 1 });
    groups.rooms.leave(ann!.session, 'garden');
    expect(groups.rooms.pageOfRooms(undefined, 5)).toEqual({ rooms: [], total: 0 });
    expect(groups.rooms.find('garden')).toBeUndefined();
  });

  it('lists rooms page by page, in the order of their names', () => {
    const { session } = groups.open();
    for (const room of ['c', 'a', 'b']) groups.rooms.join(session, room);
    expect(groups.rooms.pageOfRooms(undefined, 2)).toMatchObject({ rooms: [{ room: 'a' }, { room: 'b' }], next: 'b' });
    expect(groups.rooms.pageOfRooms('b', 2)).toEqual({ rooms: [{ room: 'c', total: 1 }], total: 3 });
    expect(groups.rooms.roomsOf(session)).toEqual(['c', 'a', 'b']);
  });

  it('refuses a room over the limit, until the session leaves another one', () => {
    const { session } = groups.open();
    for (let room = 0; room < LIMIT; room++) expect(groups.rooms.join(session, `r${room}`)).toBe('joined');
    expect(groups.rooms.join(session, 'more')).toBe('too_many_rooms');
    groups.rooms.leave(session, 'r0');
    expect(groups.rooms.join(session, 'more')).toBe('joined');
  });

  it('takes no session that has ended', () => {
    const { session } = groups.open();
    groups.registry.end(session, 1000);
    expect(groups.rooms.join(session, 'garden')).toBe('closed');
    expect(groups.rooms.size('garden')).toBe(0);
  });

  it('announces a session that is still opening before its room', () => {
    const session = groups.create('ann');
    groups.registry.open(session, Buffer.from([0x81, 0]) as never, () => {
      groups.rooms.join(session, 'garden');
    });
    expect(groups.backplane.announced).toEqual(['arrived ann', 'joined garden']);
  });

  it('notifies nobody when all members end at one moment', () => {
    const all = members(50);
    const before = all.map((each) => received(each).length);
    groups.registry.endAll(1012);
    expect(all.map((each) => received(each).length)).toEqual(before);
    expect(groups.rooms.pageOfRooms(undefined, 5).total).toBe(0);
  });

  it('keeps a room that a listener begins anew while its last members end at one moment', () => {
    const ended = members(2).map(({ session }) => session);
    const { session } = groups.open();
    const results: string[] = [];
    groups.rooms.addListener({ left: (_, room) => results.push(groups.rooms.join(session, room)) });
    groups.registry.endAll(4000, ended);
    expect(results).toEqual(['joined', 'member']);
    expect(groups.rooms.pageOfRooms(undefined, 5)).toEqual({ rooms: [{ room: 'garden', total: 1 }], total: 1 });
  });

  it('notifies the rest once of each when some members end at one moment', () => {
    const all = members(10);
    const ended = all.slice(0, 5).map(({ session }) => session);
    groups.registry.endAll(4000, ended);
    for (const each of all.slice(5)) {
      received(each);
      const left = each.connection.envelopes.filter(({ type }) => type === 'sys.left');
      expect(left.map(({ sender }) => sender)).toEqual(ended.map(({ id }) => id));
    }
    expect(groups.rooms.size('garden')).toBe(5);
  });

  it('answers before it notifies the members and calls listeners', () => {
    const [ann] = members(1);
    const order: string[] = [];
    groups.rooms.addListener({ joined: (_, room) => order.push(`listener ${room}`) });
    const { session } = groups.open();
    groups.rooms.join(session, 'garden', () => order.push(`answer ${received(ann!).length}`));
    expect(order).toEqual(['answer 0', 'listener garden']);
    expect(received(ann!)).toEqual(['sys.joined #garden']);
  });

  it('calls listeners with the code, and ends only the session of one that throws', () => {
    const [ann, ben] = members(2);
    const seen: unknown[] = [];
    groups.rooms.addListener({
      left: (session, room, code) => {
        seen.push([session.id, room, code]);
        throw new Error('a fault of the application');
      },
    });
    groups.registry.end(ben!.session, 1001);
    groups.rooms.leave(ann!.session, 'garden');
    expect(seen).toEqual([
      [ben!.session.id, 'garden', 1001],
      [ann!.session.id, 'garden', undefined],
    ]);
    expect(ann!.connection.closedWith).toBe(1011);
  });

  describe('of other nodes', () => {
    const ANN = remoteId('A', 1);
    let local: FakeSession;

    beforeEach(() => {
      [local] = members(1) as [FakeSession];
      groups.localNode.remoteArrived({ id: ANN });
    });

    it('takes joins and departures once', () => {
      for (let count = 0; count < 2; count++) groups.localNode.remoteJoined(ANN, 'garden');
      for (let count = 0; count < 2; count++) groups.localNode.remoteLeft(ANN, 'garden');
      expect(received(local)).toEqual(['sys.joined #garden', 'sys.left #garden']);
    });

    it('takes no room of an unknown session, and nothing that cannot be a room', () => {
      groups.localNode.remoteJoined(remoteId('B', 1), 'garden');
      groups.localNode.remoteJoined(ANN, 'a room');
      expect(groups.rooms.size('garden')).toBe(1);
      expect(groups.rooms.pageOfRooms(undefined, 5).total).toBe(1);
    });

    it('notifies members of the difference to a snapshot', () => {
      groups.rooms.join(local.session, 'yard');
      groups.localNode.remoteArrived({ id: ANN, rooms: ['garden', 'other'] });
      groups.localNode.remoteArrived({ id: ANN, rooms: ['garden', 'other'] });
      groups.localNode.remoteArrived({ id: ANN, rooms: ['other', 'yard'] });
      expect(received(local)).toEqual(['sys.joined #garden', 'sys.left #garden', 'sys.joined #yard']);
      expect(['garden', 'other', 'yard'].map((room) => groups.rooms.size(room))).toEqual([1, 1, 2]);
      groups.localNode.remoteArrived({ id: ANN });
      expect(['garden', 'other', 'yard'].map((room) => groups.rooms.size(room))).toEqual([1, 0, 1]);
    });

    it('notifies the members of each room when the session departs', () => {
      groups.localNode.remoteArrived({ id: ANN, rooms: ['garden', 'other', 'third'] });
      groups.localNode.remoteDeparted(ANN, 1006);
      received(local);
      expect(local.connection.envelopes.at(-1)).toMatchObject({ type: 'sys.left', sender: ANN, data: { code: 1006 } });
      expect(groups.rooms.pageOfRooms(undefined, 5).total).toBe(1);
    });

    it('announces the rooms of local sessions in a snapshot', () => {
      const other = groups.open();
      expect([...groups.localNode.localSessions()]).toEqual([
        { id: local.session.id, user: undefined, rooms: ['garden'] },
        { id: other.session.id, user: undefined, rooms: undefined },
      ]);
    });
  });

  it('lists large rooms as a plain set does, whatever joins and leaves', () => {
    const random = new Random(17);
    const sessions = groups.openAll(150).map(({ session }) => session);
    const present = new Set<Session>();
    for (let step = 0; step < 3000; step++) {
      const session = sessions[random.below(sessions.length)]!;
      // More sessions stay in the first half, so that the room is large and becomes small again.
      const joins = random.below(10) < (step < 1500 ? 8 : 1);
      if (joins) expect(groups.rooms.join(session, 'garden')).toBe(present.has(session) ? 'member' : 'joined');
      else expect(groups.rooms.leave(session, 'garden')).toBe(present.has(session));
      if (joins) present.add(session);
      else present.delete(session);
      if (step % 7 !== 0) continue;
      const ids = [...present].map(({ id }) => id).toSorted();
      expect(groups.rooms.page('garden', undefined, 1000)).toEqual({ sessions: ids, total: ids.length });
    }
  });
});
