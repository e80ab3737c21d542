import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { textFrame } from '../../src/protocol/index.js';
import type { Received } from '../support/client.js';
import { Groups, remoteId } from '../support/groups.js';
import { Random } from '../support/random.js';
import type { FakeSession } from '../support/sessions.js';

/** Makes sessions members of a room. */
function join(groups: Groups, room: string, ...sessions: readonly FakeSession[]): void {
  for (const { session } of sessions) groups.rooms.join(session, room);
}

/** Returns all that a session got, with the notices that wait. */
function inboxOf(groups: Groups, { session, connection }: FakeSession): Received[] {
  groups.noticeLog.catchUp(session);
  session.outbox.flushAll();
  return connection.envelopes;
}

/** Returns the types of the notices about another session that a session got. */
function noticesOf(id: string, groups: Groups, receiver: FakeSession): string[] {
  return inboxOf(groups, receiver).flatMap(({ type, sender }) => (sender === id ? [type] : []));
}

describe('sys.left of a session that ends', () => {
  it.each<[string, Record<string, string>]>([
    ['NOTICE_SCOPE=all', {}],
    ['NOTICE_SCOPE=all, in a window', { NOTICE_WINDOW_MS: '10000' }],
    ['NOTICE_SCOPE=peers', { NOTICE_SCOPE: 'peers' }],
  ])('precedes its sys.departed with %s', (_, variables) => {
    const groups = new Groups(variables);
    const [ann, bob] = groups.openAll(2) as [FakeSession, FakeSession];
    for (const room of ['garden', 'yard']) join(groups, room, ann, bob);
    groups.noticeLog.recordExchange(ann.session, bob.session);
    groups.registry.end(bob.session, 4101);
    expect(noticesOf(bob.session.id, groups, ann).slice(-3)).toEqual(['sys.left', 'sys.left', 'sys.departed']);
  });

  it('precedes its sys.departed where the log is full', () => {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off', NOTICE_WINDOW_MS: '10000' });
    const ann = groups.open();
    const crowd = groups.openAll(4096);
    join(groups, 'garden', ann, ...crowd.slice(-1));
    groups.registry.endAll(
      4101,
      crowd.map(({ session }) => session),
    );
    const last = crowd.at(-1)!.session.id;
    expect(noticesOf(last, groups, ann)).toEqual(['sys.joined', 'sys.left', 'sys.departed']);
  });

  it('precedes its sys.departed where it was on another node', () => {
    const groups = new Groups();
    const ann = groups.open();
    const id = remoteId('A', 1);
    for (const room of ['garden', 'yard']) join(groups, room, ann);
    groups.localNode.remoteArrived({ id, rooms: ['garden', 'yard'] });
    groups.localNode.remoteDeparted(id, 1006);
    const [arrived, ...rest] = noticesOf(id, groups, ann);
    expect(arrived).toBe('sys.arrived');
    expect(rest).toEqual(['sys.joined', 'sys.joined', 'sys.left', 'sys.left', 'sys.departed']);
  });

  it('follows its sys.arrived, which may still wait when another session joins', () => {
    const groups = new Groups({ NOTICE_WINDOW_MS: '10000' });
    const ann = groups.open();
    const bob = groups.open();
    join(groups, 'garden', bob, ann);
    groups.registry.end(bob.session, 1000);
    expect(noticesOf(bob.session.id, groups, ann)).toEqual(['sys.arrived', 'sys.left', 'sys.departed']);
  });

  it('follows its sys.arrived where the room was large in between', () => {
    const groups = new Groups({ NOTICE_WINDOW_MS: '10000', ROOM_NOTICE_LIMIT: '2' });
    const [ann, bob, eve] = groups.openAll(3) as [FakeSession, FakeSession, FakeSession];
    join(groups, 'garden', ann, bob, eve);
    const zoe = groups.open();
    join(groups, 'garden', zoe);
    for (const { session } of [bob, eve, zoe]) groups.rooms.leave(session, 'garden');
    expect(noticesOf(zoe.session.id, groups, ann)).toEqual(['sys.arrived', 'sys.left']);
  });

  it('leaves the departures of many sessions one run of bytes', async () => {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off' });
    const sessions = groups.openAll(100);
    for (const [index, each] of sessions.entries()) join(groups, `room${index % 4}`, each);
    await turn();
    const before = new Map(sessions.map((each) => [each, each.connection.envelopes.length]));
    groups.registry.endAll(
      4101,
      sessions.slice(0, 80).map(({ session }) => session),
    );
    for (const each of sessions.slice(80)) {
      const types = inboxOf(groups, each)
        .slice(before.get(each))
        .map(({ type }) => type);
      expect(types).toEqual([...Array<string>(20).fill('sys.left'), ...Array<string>(80).fill('sys.departed')]);
    }
  });
});

describe('the notices and messages of a room', () => {
  it.each(Array.from({ length: 20 }, (_, index) => index + 1))(
    'that a slow member gets and those that it misses are all that were sent, seed %i',
    async (seed) => {
      const random = new Random(seed);
      const limits = { OUTBOX_HIGH_WATER_BYTES: '20000', ROOM_NOTICE_LIMIT: String(random.pick([5, 100])) };
      const groups = new Groups({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', ...limits });
      const [quick, slow, ...others] = groups.openAll(10) as [FakeSession, FakeSession, ...FakeSession[]];
      join(groups, 'garden', quick, slow);
      const steps: readonly (() => void)[] = [
        () => join(groups, 'garden', random.pick(others)),
        () => groups.rooms.leave(random.pick(others).session, 'garden'),
        () => {
          const data = 'x'.repeat(random.below(3000));
          groups.localNode.deliverToGroup('server', '#garden', textFrame(JSON.stringify({ type: 'chat', data })));
        },
        () => {
          slow.connection.sink.stalled = true;
        },
        () => {
          if (random.once(20)) slow.connection.sink.resume();
        },
      ];
      for (let step = 0; step < 1500; step++) {
        random.pick(steps)();
        if (random.once(4)) await turn();
      }
      slow.connection.sink.resume();
      for (let count = 0; count < 10; count++) await turn();
      const sent = inboxOf(groups, quick).slice(2); // behind its welcome and the join of the slow one
      const missed = { messages: 0, notices: 0 };
      let next = 0;
      for (const envelope of inboxOf(groups, slow).slice(1)) {
        if (envelope.type !== 'sys.gap') {
          expect(envelope).toEqual(sent[next++]);
          continue;
        }
        const { messages, notices } = envelope.data as { messages: number; notices: number };
        const skipped = sent.slice(next, (next += messages + notices));
        expect(skipped.filter(({ type }) => type === 'chat')).toHaveLength(messages);
        expect(skipped).toHaveLength(messages + notices);
        missed.messages += messages;
        missed.notices += notices;
      }
      expect(next).toBe(sent.length);
      expect(missed.messages).toBeGreaterThan(0);
      expect(missed.notices).toBeGreaterThan(0);
    },
  );

  it('hold no more for a slow member than OUTBOX_HIGH_WATER_BYTES', async () => {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', OUTBOX_HIGH_WATER_BYTES: '65536' });
    const [slow, churning] = groups.openAll(2) as [FakeSession, FakeSession];
    join(groups, 'garden', slow);
    slow.connection.sink.stalled = true;
    for (let round = 0; round < 2000; round++) {
      join(groups, 'garden', churning);
      groups.rooms.leave(churning.session, 'garden');
      if (round % 100 === 0) await turn();
    }
    expect(slow.session.outbox.bufferedBytes).toBeGreaterThan(65_536);
    expect(slow.session.outbox.bufferedBytes).toBeLessThan(65_536 + 32_768);
  });
});
