import { describe, expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { NoticeLog } from '../../src/messaging/notice-log.js';
import { readSettings } from '../../src/settings/environment.js';
import { newRegistry, openSession } from '../support/sessions.js';

/** Notices at which the log is flushed before the window ends. */
const MAX_LOG_NOTICES = 4096;

describe('the notice log', () => {
  it('is flushed before its window ends when it is full', async () => {
    const registry = newRegistry();
    void new NoticeLog(registry, readSettings({ NOTICE_WINDOW_MS: '10000' }));
    const { connection } = openSession(registry);
    const received = (): number => connection.envelopes.filter(({ type }) => type === 'sys.arrived').length;
    for (let count = 2; count < MAX_LOG_NOTICES; count++) openSession(registry);
    await turn();
    expect(received()).toBe(0);
    openSession(registry);
    await turn();
    expect(received()).toBe(MAX_LOG_NOTICES - 1);
  });
});
