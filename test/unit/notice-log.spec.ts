import { describe, expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { NoticeLog } from '../../src/messaging/notice-log.js';
import { readSettings } from '../../src/settings/environment.js';
import { newRegistry, openSession } from '../support/sessions.js';

/** How many notices may gather before they are told although the window is open. */
const GATHERED = 4096;

describe('notices that wait for their window', () => {
  it('are told before it ends when there are too many', async () => {
    const registry = newRegistry();
    void new NoticeLog(registry, readSettings({ NOTICE_WINDOW_MS: '10000' }));
    const { connection } = openSession(registry);
    const told = (): number => connection.envelopes.filter(({ type }) => type === 'sys.arrived').length;
    for (let count = 2; count < GATHERED; count++) openSession(registry);
    await turn();
    expect(told()).toBe(0);
    openSession(registry);
    await turn();
    expect(told()).toBe(GATHERED - 1);
  });
});
