import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/cluster/clock.js';
import { AwayNotices } from '../../src/resume/away-notices.js';
import { AwaySessions } from '../../src/resume/away-sessions.js';
import { textFrame, welcomeFrame } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log } from '../../src/telemetry/log.js';
import { Groups, remoteId } from '../support/groups.js';
import { kept } from '../support/resumable.js';
import { FakeConnection, WELCOME, type FakeSession } from '../support/sessions.js';

const AWAY_MS = 2000;
const SCOPES = ['all', 'peers', 'rooms', 'none'];

describe('sys.away and sys.back', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function start(variables: Record<string, string> = {}): Groups {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: String(AWAY_MS), ...variables });
    const clock = new Clock(new Log(readSettings({})));
    void new AwayNotices(groups.directory, groups.stateNotices, clock, groups.settings);
    return groups;
  }

  /** Returns the notices about a session that another one got. */
  function noticesOf(id: string, groups: Groups, { session, connection }: FakeSession): string[] {
    groups.noticeLog.catchUp(session);
    session.outbox.flushAll();
    return connection.envelopes.flatMap(({ type, sender }) => (sender === id && type !== 'sys.joined' ? [type] : []));
  }

  /** Attaches another connection to a session, and returns it. */
  function comeBack(groups: Groups, session: Session): FakeConnection {
    const connection = new FakeConnection();
    groups.registry.resume(session, connection, welcomeFrame(session.id, WELCOME));
    return connection;
  }

  it.each(SCOPES)('are sent once to each session that gets the departure, with NOTICE_SCOPE=%s', (NOTICE_SCOPE) => {
    const groups = start({ NOTICE_SCOPE });
    const [away, peer, member, both, stranger] = [groups.openResumable(), ...groups.openAll(4)] as FakeSession[];
    for (const other of [peer, both]) groups.noticeLog.recordExchange(away!.session, other!.session);
    for (const room of ['garden', 'yard'])
      for (const each of [away, member, both]) groups.rooms.join(each!.session, room);
    groups.lose(away!);
    const all = [peer, member, both, stranger] as FakeSession[];
    const notices = (): string[][] => all.map((each) => noticesOf(away!.session.id, groups, each));
    vi.advanceTimersByTime(AWAY_MS - 1);
    expect(notices()).toEqual([[], [], [], []]);
    vi.advanceTimersByTime(2);
    const reached = { all: [1, 1, 1, 1], peers: [1, 1, 1, 0], rooms: [0, 1, 1, 0], none: [0, 1, 1, 0] }[NOTICE_SCOPE]!;
    expect(notices()).toEqual(reached.map((count) => (count === 1 ? ['sys.away'] : [])));
    comeBack(groups, away!.session);
    expect(notices()).toEqual(reached.map((count) => (count === 1 ? ['sys.away', 'sys.back'] : [])));
    vi.advanceTimersByTime(2 * AWAY_MS);
    expect(notices()).toEqual(reached.map((count) => (count === 1 ? ['sys.away', 'sys.back'] : [])));
    expect(noticesOf(away!.session.id, groups, away!)).toEqual([]);
  });

  it.each(['all', 'rooms'])('have the form of the protocol, with NOTICE_SCOPE=%s', (NOTICE_SCOPE) => {
    const groups = start({ NOTICE_SCOPE });
    const [away, other] = [groups.openResumable(), groups.open()];
    for (const { session } of [other, away]) groups.rooms.join(session, 'garden');
    groups.lose(away);
    vi.advanceTimersByTime(AWAY_MS + 1);
    comeBack(groups, away.session);
    groups.noticeLog.catchUp(other.session);
    other.session.outbox.flushAll();
    const { id } = away.session;
    expect(other.connection.envelopes.slice(-2)).toEqual([
      { type: 'sys.away', sender: id, receiver: '*' },
      { type: 'sys.back', sender: id, receiver: '*' },
    ]);
  });

  it.each<[string, Record<string, string>, number]>([
    ['that comes back in time', {}, AWAY_MS - 10],
    ['with AWAY_NOTICE_MS=0', { AWAY_NOTICE_MS: '0' }, 10 * AWAY_MS],
  ])('are not sent of a session %s', (_, variables, awayMs) => {
    const groups = start(variables);
    const [{ session, connection }, other] = [groups.openResumable(), groups.open()];
    let lost = connection;
    for (let count = 0; count < 3; count++) {
      groups.lose({ session, connection: lost });
      vi.advanceTimersByTime(awayMs);
      lost = comeBack(groups, session);
    }
    vi.advanceTimersByTime(2 * AWAY_MS);
    expect(noticesOf(session.id, groups, other)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are not sent of a session that has ended, and leave no timer', () => {
    const groups = start();
    const [away, other] = [groups.openResumable(), groups.open()];
    groups.lose(away);
    groups.registry.end(away.session, 1006);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2 * AWAY_MS);
    expect(noticesOf(away.session.id, groups, other)).toEqual(['sys.departed']);
  });

  it.each(SCOPES.slice(0, 3))('come in order with the end of a session, with NOTICE_SCOPE=%s', (NOTICE_SCOPE) => {
    const groups = start({ NOTICE_SCOPE, NOTICE_WINDOW_MS: '10000' });
    const [away, other] = [groups.openResumable(), groups.open()];
    for (const { session } of [other, away]) groups.rooms.join(session, 'garden');
    groups.noticeLog.recordExchange(away.session, other.session);
    groups.lose(away);
    vi.advanceTimersByTime(AWAY_MS + 1);
    groups.registry.end(away.session, 1006);
    const departed = NOTICE_SCOPE === 'rooms' ? [] : ['sys.departed'];
    expect(noticesOf(away.session.id, groups, other)).toEqual(['sys.away', 'sys.left', ...departed]);
  });

  it('come in order with what the session does after its return', () => {
    const groups = start({ NOTICE_WINDOW_MS: '10000' });
    const [away, other] = [groups.openResumable(), groups.open()];
    for (const { session } of [other, away]) groups.rooms.join(session, 'garden');
    groups.lose(away);
    vi.advanceTimersByTime(AWAY_MS + 1);
    comeBack(groups, away.session);
    groups.rooms.leave(away.session, 'garden');
    expect(noticesOf(away.session.id, groups, other)).toEqual(['sys.away', 'sys.back', 'sys.left']);
  });

  it('are left out in rooms over ROOM_NOTICE_LIMIT', () => {
    const groups = start({ NOTICE_SCOPE: 'rooms', ROOM_NOTICE_LIMIT: '3' });
    const away = groups.openResumable();
    const [few, many] = [groups.openAll(2), groups.openAll(3)];
    for (const { session } of [away, ...few]) groups.rooms.join(session, 'few');
    for (const { session } of [away, ...many]) groups.rooms.join(session, 'many');
    groups.lose(away);
    vi.advanceTimersByTime(AWAY_MS + 1);
    const counts = [...few, ...many].map((each) => noticesOf(away.session.id, groups, each).length);
    expect(counts).toEqual([1, 1, 0, 0, 0]);
  });

  it.each(['all', 'peers', 'rooms'])(
    'are sent of the sessions of other nodes, with NOTICE_SCOPE=%s',
    (NOTICE_SCOPE) => {
      const groups = start({ NOTICE_SCOPE });
      const other = groups.open();
      groups.rooms.join(other.session, 'garden');
      const id = remoteId('A', 1);
      groups.localNode.remoteArrived({ id, rooms: ['garden'] });
      groups.noticeLog.recordExchange(other.session, id);
      groups.localNode.remoteAway(id);
      vi.advanceTimersByTime(AWAY_MS + 1);
      groups.localNode.remoteArrived({ id, rooms: ['garden'], away: true }); // a snapshot repeats the state
      vi.advanceTimersByTime(2 * AWAY_MS);
      expect(noticesOf(id, groups, other)).toEqual(['sys.away']);
      groups.localNode.remoteArrived({ id, rooms: ['garden'] }); // the event was lost
      expect(noticesOf(id, groups, other)).toEqual(['sys.away', 'sys.back']);
    },
  );

  it('are kept for other sessions that are away', () => {
    const groups = start();
    const [one, other] = [groups.openResumable(), groups.openResumable()];
    for (const each of [one, other]) groups.lose(each);
    vi.advanceTimersByTime(AWAY_MS + 1);
    comeBack(groups, one.session);
    groups.noticeLog.catchUp(other.session);
    expect(kept(other.session).map(({ type, sender }) => [type, sender])).toEqual([
      ['sys.away', one.session.id],
      ['sys.back', one.session.id],
    ]);
  });

  it('are counted in sys.gap where thousands are away, and end none of them for the budget', async () => {
    const budgetBytes = 400_000;
    const groups = start({ RESUME_BUDGET_BYTES: String(budgetBytes) });
    void new AwaySessions(groups.registry, groups.budget, new Log(groups.settings), groups.settings);
    const all = Array.from({ length: 200 }, () => groups.openResumable());
    for (const each of all) groups.lose(each);
    vi.advanceTimersByTime(AWAY_MS + 1);
    await turn();
    await turn();
    expect(groups.budget.totalBytes).toBeGreaterThan(budgetBytes / 4);
    expect(groups.budget.totalBytes).toBeLessThan(budgetBytes);
    expect(all.filter(({ session }) => session.closed)).toEqual([]);
    const last = all.at(-1)!.session;
    last.send(textFrame('{"type":"chat"}'));
    expect(kept(last).map(({ type, data }) => [type, data as unknown])).toEqual([
      ['sys.gap', { messages: 0, notices: all.length - 1 }],
      ['chat', undefined],
    ]);
  });

  it('are divided over turns where thousands are due at one moment', () => {
    const groups = start({ NOTICE_SCOPE: 'rooms' });
    const members = groups.openAll(100);
    const away = Array.from({ length: 100 }, () => groups.openResumable());
    for (const { session } of [...members, ...away]) groups.rooms.join(session, 'garden');
    const [observer] = members;
    const received = (): number =>
      away.reduce((sum, { session }) => sum + noticesOf(session.id, groups, observer!).length, 0);
    for (const each of away) groups.lose(each);
    vi.advanceTimersByTime(AWAY_MS);
    expect(received()).toBeGreaterThan(0);
    expect(received()).toBeLessThan(away.length / 2);
    vi.advanceTimersByTime(20);
    expect(received()).toBe(away.length);
  });
});
