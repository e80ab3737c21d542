import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { textFrame, type Frame } from '../../src/protocol/index.js';
import { AwaySessions } from '../../src/resume/away-sessions.js';
import { resumptionOf, type SessionResumption } from '../../src/resume/session-resumption.js';
import { Log } from '../../src/telemetry/log.js';
import { Groups } from '../support/groups.js';
import { kept } from '../support/resumable.js';
import { FakeConnection, type FakeSession } from '../support/sessions.js';

const WINDOW_MS = 5000;
const AWAY = 30;

describe('sessions whose time is over', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('end at one moment, so that none gets the departure of another, and the later ones later', () => {
    const groups = new Groups({ ARRIVAL_NOTICES: 'off', RESUME_WINDOW_MS: String(WINDOW_MS) });
    void new AwaySessions(groups.registry, groups.budget, new Log(groups.settings), groups.settings);
    const observer = groups.open();
    const all = Array.from({ length: AWAY }, () => groups.openResumable());
    const later = groups.openResumable();
    for (const { session } of [observer, ...all, later]) groups.rooms.join(session, 'garden');
    for (const [index, { session, connection }] of all.entries())
      groups.registry.lose(session, connection, index % 2 === 0 ? 1006 : 4101);
    vi.advanceTimersByTime(WINDOW_MS / 2);
    groups.lose(later);
    vi.advanceTimersByTime(WINDOW_MS / 2 + 1);
    expect(all.filter(({ session }) => !session.closed)).toEqual([]);
    expect(later.session.state).toBe('away');
    groups.noticeLog.catchUp(observer.session);
    observer.session.outbox.flushAll();
    const received = (type: string): unknown[] =>
      observer.connection.envelopes.flatMap((each) =>
        each.type === type ? [(each.data as { code: number }).code] : [],
      );
    const codes = [...Array<number>(AWAY / 2).fill(1006), ...Array<number>(AWAY / 2).fill(4101)];
    expect([received('sys.left'), received('sys.departed')]).toEqual([codes, codes]);
    for (const { session } of all) {
      expect((session.resumption as SessionResumption).endReason).toBe('expired');
      const ofOthers = kept(session).filter(({ type, data }) => type !== 'sys.joined' && data.code !== 1006);
      expect(ofOthers).toEqual([]);
    }
    vi.advanceTimersByTime(WINDOW_MS / 2);
    expect(later.session.closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

const BUDGET_BYTES = 1_000_000;
/** Bytes that a client may leave unreported. */
const IN_TIME_BYTES = 128_000;
const LATE_BYTES = 250_000;

describe('over RESUME_BUDGET_BYTES', () => {
  const start = (): Groups => {
    const settings = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', RESUME_BUDGET_BYTES: String(BUDGET_BYTES) };
    const groups = new Groups(settings);
    const { registry } = groups;
    void new AwaySessions(registry, groups.budget, new Log(groups.settings), groups.settings);
    // As `UndeliveredReports` does.
    registry.addListener('away', { closed: (session) => void resumptionOf(session)?.replay.release() });
    return groups;
  };
  const openAll = (groups: Groups, count: number): FakeSession[] =>
    Array.from({ length: count }, () => groups.openResumable());
  const awayAll = (groups: Groups, count: number): FakeSession[] => {
    const all = openAll(groups, count);
    for (const each of all) groups.lose(each);
    return all;
  };
  const newsOf = (bytes: number): Frame => textFrame(JSON.stringify({ type: 'news', data: 'x'.repeat(bytes) }));
  /** Sends each of them a frame of its own. */
  const send = async (sessions: readonly FakeSession[], bytes: number): Promise<void> => {
    for (const { session } of sessions) session.send(newsOf(bytes));
    await tick();
  };
  const ended = (sessions: readonly FakeSession[]): boolean[] => sessions.map(({ session }) => session.closed);

  it('connected sessions that report late are closed before a session that is away ends', async () => {
    const groups = start();
    const away = awayAll(groups, 3);
    await send(away, 1000);
    const late = openAll(groups, 6);
    await send(late.slice(0, 1), LATE_BYTES / 2);
    await send(late, LATE_BYTES);
    expect(ended(away)).toEqual([false, false, false]);
    expect(ended(late)).toEqual([true, true, true, false, false, false]);
    expect(late[0]!.connection.closedWith).toBe(1013);
    expect(groups.budget.totalBytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  it('no connected session is closed for frames that many are sent, because they are in memory once', async () => {
    const groups = start();
    const all = openAll(groups, 20);
    for (let count = 0; count < 2; count++) {
      const frame = newsOf(LATE_BYTES / 2);
      for (const { session } of all) session.send(frame);
      await tick();
    }
    expect(ended(all)).not.toContain(true);
    expect(groups.budget.totalBytes).toBeLessThan(BUDGET_BYTES);
  });

  it('no connected session is closed that has only what others have, too', async () => {
    const groups = start();
    const [members, late] = [openAll(groups, 10), openAll(groups, 5)];
    for (let count = 0; count < 2; count++) {
      const frame = newsOf(LATE_BYTES / 2);
      for (const { session } of members) session.send(frame);
      await tick();
    }
    await send(late, LATE_BYTES);
    expect(ended(members)).not.toContain(true);
    expect(ended(late)).toEqual([true, true, true, false, false]);
  });

  it('connected sessions are closed where they do not report within 10 s, those with the most unseen bytes first', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const groups = start();
      const connected = openAll(groups, 12);
      await send(connected, IN_TIME_BYTES - 20_000);
      await send(connected.slice(2), 15_000);
      vi.advanceTimersByTime(5000);
      for (const { session } of connected.slice(4)) {
        session.send(newsOf(100));
        expect(resumptionOf(session)!.replay.forget(2, true)).toBe(true);
      }
      await send(connected.slice(4), IN_TIME_BYTES - 20_000);
      expect(ended(connected)).not.toContain(true);
      expect(groups.budget.totalBytes).toBeGreaterThan(BUDGET_BYTES);
      vi.advanceTimersByTime(5000);
      await tick();
      expect(ended(connected)).toEqual([true, false, true, true, ...Array<boolean>(8).fill(false)]);
      expect(connected[2]!.connection.closedWith).toBe(1013);
      expect(groups.budget.totalBytes).toBeLessThanOrEqual(BUDGET_BYTES);
      expect(vi.getTimerCount()).toBe(0);
      // A second time, with less than the first.
      await send(connected.slice(4), 15_000);
      vi.advanceTimersByTime(10_000);
      await tick();
      expect(ended(connected).filter(Boolean).length).toBeGreaterThan(3);
      expect(groups.budget.totalBytes).toBeLessThanOrEqual(BUDGET_BYTES);
    } finally {
      vi.useRealTimers();
    }
  });

  it('a session that has come back meanwhile is not closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const groups = start();
      const [returned, ...others] = openAll(groups, 9);
      await send([returned!], IN_TIME_BYTES);
      await send(others, IN_TIME_BYTES - 1000);
      vi.advanceTimersByTime(5000);
      groups.lose(returned!);
      groups.registry.resume(returned!.session, new FakeConnection(), textFrame('{"type":"sys.welcome"}'));
      for (let turns = 0; turns < 4; turns++) await tick();
      vi.advanceTimersByTime(5000);
      await tick();
      expect(ended([returned!, ...others]).indexOf(true)).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('sessions that are away keep half of it, however much connected sessions are sent', async () => {
    const groups = start();
    const connected = openAll(groups, 12);
    await send(connected, IN_TIME_BYTES);
    const away = awayAll(groups, 4);
    await send(away, 120_000);
    expect([...ended(connected), ...ended(away)]).not.toContain(true);
    await send(away, 120_000);
    expect(ended(away)).toEqual([true, true, false, false]);
    expect(ended(connected)).not.toContain(true);
  });

  it('no session that is away ends where nothing is kept for it', async () => {
    const groups = start();
    const idle = awayAll(groups, 2);
    const away = awayAll(groups, 9);
    await send(away, 120_000);
    expect(ended(idle)).toEqual([false, false]);
    expect(ended(away).slice(0, 2)).toEqual([true, false]);
  });

  it('sessions are not searched again before a step, where none reports late', async () => {
    const groups = start();
    const connected = openAll(groups, 12);
    await send(connected, 100_000);
    const { registry } = groups;
    let searches = 0;
    const all = registry.all.bind(registry);
    registry.all = () => {
      searches++;
      return all();
    };
    for (let count = 0; count < 20; count++) await send(connected.slice(0, 1), 700);
    expect(searches).toBe(0);
    await send(connected.slice(0, 1), 3000);
    expect(searches).toBe(1);
  });

  it('a session that has come back counts as connected', async () => {
    const groups = start();
    const [first] = awayAll(groups, 1);
    await send([first!], 100_000);
    expect([groups.budget.away.bytes > 100_000, groups.budget.connected.bytes]).toEqual([true, 0]);
    groups.registry.resume(first!.session, new FakeConnection(), textFrame('{"type":"sys.welcome"}'));
    await tick();
    expect([groups.budget.away.bytes, groups.budget.connected.bytes > 100_000]).toEqual([0, true]);
  });
});
