import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/cluster/clock.js';
import { AwayNotices } from '../../src/resume/away-notices.js';
import { welcomeFrame } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log } from '../../src/telemetry/log.js';
import { Groups } from '../support/groups.js';
import { FakeConnection, WELCOME, type FakeSession } from '../support/sessions.js';

const AWAY_MS = 2000;
const SPREAD_MS = 5000;

/** A process with the notices of its sessions. */
class Process {
  readonly groups = new Groups({
    ARRIVAL_NOTICES: 'off',
    AWAY_NOTICE_MS: String(AWAY_MS),
    DRAIN_SPREAD_MS: String(SPREAD_MS),
  });
  readonly notices: AwayNotices;
  readonly observer: FakeSession;

  constructor() {
    const { directory, stateNotices, settings, registry } = this.groups;
    this.notices = new AwayNotices(directory, stateNotices, new Clock(new Log(readSettings({}))), settings);
    registry.parts.add('notified', this.notices);
    this.observer = this.groups.open();
  }

  /** The notices about a session that the observer got. */
  noticesOf({ id }: Session): string[] {
    const { session, connection } = this.observer;
    this.groups.noticeLog.catchUp(session);
    session.outbox.flushAll();
    return connection.envelopes.flatMap(({ type, sender }) => (sender === id ? [type] : []));
  }

  /** Opens a session that another process hands on. */
  takeUp({ groups }: Process, from: Session): Session {
    const { id, identity, resumption, openedAtMs } = from;
    const session = this.groups.registry.restore(id, identity, resumption!, openedAtMs)!;
    this.groups.registry.parts.restore(session, groups.registry.parts.save(from));
    return session;
  }

  comeBack(session: Session): void {
    this.groups.registry.resume(session, new FakeConnection(), welcomeFrame(session.id, WELCOME));
  }
}

describe('over a restart, sys.away and sys.back', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are not sent while the node drains', () => {
    const process = new Process();
    const [before, meanwhile] = [process.groups.openResumable(), process.groups.openResumable()];
    process.groups.lose(before);
    process.notices.drain();
    process.groups.lose(meanwhile);
    vi.advanceTimersByTime(10 * AWAY_MS);
    expect([before, meanwhile].map(({ session }) => process.noticesOf(session))).toEqual([[], []]);
  });

  it('are sent where the client has not come back when its time to reconnect is over', () => {
    const [old, next] = [new Process(), new Process()];
    const away = old.groups.openResumable().session;
    const session = next.takeUp(old, away);
    vi.advanceTimersByTime(SPREAD_MS + AWAY_MS - 1);
    expect(next.noticesOf(session)).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(next.noticesOf(session)).toEqual(['sys.away']);
    next.comeBack(session);
    expect(next.noticesOf(session)).toEqual(['sys.away', 'sys.back']);
  });

  it.each([1, SPREAD_MS + AWAY_MS - 1])('are not sent of a client that comes back after %i ms', (ms) => {
    const [old, next] = [new Process(), new Process()];
    const away = old.groups.openResumable().session;
    const session = next.takeUp(old, away);
    vi.advanceTimersByTime(ms);
    next.comeBack(session);
    vi.advanceTimersByTime(2 * SPREAD_MS);
    expect(next.noticesOf(session)).toEqual([]);
  });

  it('are sent once, where the process before has sent the first', () => {
    const [old, next] = [new Process(), new Process()];
    const away = old.groups.openResumable();
    old.groups.lose(away);
    vi.advanceTimersByTime(AWAY_MS + 1);
    expect(old.noticesOf(away.session)).toEqual(['sys.away']);
    const session = next.takeUp(old, away.session);
    vi.advanceTimersByTime(2 * SPREAD_MS);
    expect(next.noticesOf(session)).toEqual([]);
    next.comeBack(session);
    expect(next.noticesOf(session)).toEqual(['sys.back']);
  });
});
