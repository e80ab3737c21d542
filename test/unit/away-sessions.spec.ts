import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AwaySessions } from '../../src/resume/away-sessions.js';
import { SessionResumption } from '../../src/resume/session-resumption.js';
import { Log } from '../../src/telemetry/log.js';
import { Groups } from '../support/groups.js';
import { kept } from '../support/resumable.js';

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
