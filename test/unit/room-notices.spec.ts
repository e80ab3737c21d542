import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Groups, received, remoteId } from '../support/groups.js';
import { Random } from '../support/random.js';
import type { FakeSession } from '../support/sessions.js';

const LIMIT = 4;

describe('the notices of a room over ROOM_NOTICE_LIMIT', () => {
  let groups: Groups;
  let first: FakeSession;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    groups = new Groups({ ROOM_NOTICE_LIMIT: String(LIMIT), ARRIVAL_NOTICES: 'off' });
    first = groups.open();
    groups.rooms.join(first.session, 'garden');
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function join(count: number): readonly FakeSession[] {
    const sessions = groups.openAll(count);
    for (const { session } of sessions) groups.rooms.join(session, 'garden');
    return sessions;
  }

  /** The numbers of members that the first one got. */
  function totals(): unknown[] {
    received(first);
    return first.connection.envelopes.flatMap(({ type, data }) => (type === 'sys.room' ? [data] : []));
  }

  it('are its number of members: at once, and then once a second', () => {
    join(LIMIT - 1);
    expect(received(first)).toEqual(Array.from({ length: LIMIT - 1 }, () => 'sys.joined #garden'));
    const room = 'garden';
    join(3);
    expect(totals()).toEqual([{ room, total: LIMIT + 1 }]);
    vi.advanceTimersByTime(990);
    expect(totals()).toHaveLength(1);
    vi.advanceTimersByTime(20);
    expect(totals()).toEqual([
      { room, total: LIMIT + 1 },
      { room, total: LIMIT + 3 },
    ]);
    join(1);
    expect(totals()).toHaveLength(2);
    vi.advanceTimersByTime(1010);
    expect(totals()).toHaveLength(3);
    vi.advanceTimersByTime(5000);
    expect(totals()).toHaveLength(3);
    join(1);
    expect(totals()).toHaveLength(4);
  });

  it('are for the change down to the limit, too, and single notices again below', () => {
    const others = join(LIMIT);
    vi.advanceTimersByTime(2000);
    const before = received(first).length;
    groups.registry.end(others[0]!.session, 1000);
    groups.rooms.leave(others[1]!.session, 'garden');
    expect(received(first).slice(before)).toEqual(['sys.room #garden', 'sys.left #garden']);
  });

  it('are sent to each room in its own second', () => {
    groups.rooms.join(first.session, 'yard');
    const others = join(LIMIT);
    vi.advanceTimersByTime(500);
    for (const { session } of others) groups.rooms.join(session, 'yard');
    groups.rooms.leave(others[0]!.session, 'garden');
    for (const { session } of groups.openAll(1)) groups.rooms.join(session, 'yard');
    const before = totals().length;
    vi.advanceTimersByTime(510);
    expect(totals().slice(before)).toEqual([{ room: 'garden', total: LIMIT }]);
    vi.advanceTimersByTime(500);
    expect(totals().slice(before)).toEqual([
      { room: 'garden', total: LIMIT },
      { room: 'yard', total: LIMIT + 2 },
    ]);
  });

  it('have the pending number before the first single notice', () => {
    const [one, other] = join(LIMIT) as [FakeSession, FakeSession];
    for (const { session } of [one, other]) groups.rooms.leave(session, 'garden');
    received(first);
    expect(first.connection.envelopes.slice(-3).map(({ type, data }) => [type, data])).toEqual([
      ['sys.room', { room: 'garden', total: LIMIT + 1 }],
      ['sys.room', { room: 'garden', total: LIMIT }],
      ['sys.left', {}],
    ]);
  });

  it.each(Array.from({ length: 20 }, (_, index) => index + 1))('count right with single ones, seed %i', (seed) => {
    const random = new Random(seed);
    let counted = 1;
    let read = first.connection.envelopes.length;
    let single = 0;
    const count = (): void => {
      received(first);
      const { envelopes } = first.connection;
      const news = envelopes.slice(read).filter(({ receiver }) => receiver === '#garden');
      read = envelopes.length;
      for (const { type, data } of news) {
        if (type === 'sys.room') counted = data.total as number;
        else counted += type === 'sys.joined' ? 1 : -1;
      }
      if (news.length === 0 || news.at(-1)!.type === 'sys.room') return;
      expect(counted).toBe(groups.rooms.size('garden'));
      single++;
    };
    const members: FakeSession[] = [];
    for (let step = 0; step < 300; step++) {
      if (random.once(4)) vi.advanceTimersByTime(random.between(1, 600));
      count();
      if (random.once(8) && members.length > 0) {
        const leaving = members.splice(0, random.between(1, members.length));
        groups.registry.endAll(
          4101,
          leaving.map(({ session }) => session),
        );
      } else if (random.below(2 * LIMIT) >= members.length) members.push(...join(1));
      else groups.rooms.leave(members.pop()!.session, 'garden');
      count();
    }
    expect(single).toBeGreaterThan(50);
    vi.advanceTimersByTime(2000);
    count();
    expect(counted).toBe(groups.rooms.size('garden'));
  });

  it('count the members of other nodes', () => {
    for (let number = 0; number < LIMIT; number++) {
      groups.localNode.remoteArrived({ id: remoteId('A', number) });
      groups.localNode.remoteJoined(remoteId('A', number), 'garden');
    }
    expect(totals()).toEqual([{ room: 'garden', total: LIMIT + 1 }]);
  });
});

describe('the notice of a session that joins', () => {
  it.each([
    ['on', { user: 'ben' }],
    ['off', {}],
  ])('has its user with SHOW_USERS=%s', (SHOW_USERS, data) => {
    const groups = new Groups({ SHOW_USERS, ARRIVAL_NOTICES: 'off' });
    const ann = groups.open('ann');
    groups.rooms.join(ann.session, 'garden');
    groups.rooms.join(groups.open('ben').session, 'garden');
    groups.localNode.remoteArrived({ id: remoteId('A', 1), user: 'ben', rooms: ['garden'] });
    received(ann);
    expect(ann.connection.envelopes.slice(1).map((envelope) => envelope.data)).toEqual([data, data]);
  });
});
