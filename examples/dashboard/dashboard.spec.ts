import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from 'switchboard/testing';
import { Browser } from '../../test/support/browser.js';
import { startForeignNginx } from '../../test/support/foreign-nginx.js';
import { DashboardModule } from './dashboard.module.js';
import { post, type Target } from './feed.js';

const KEY = 'a-key-for-the-dashboard';

describe('the dashboard', () => {
  let app: TestServer;
  let browser: Browser;
  let page: Page;
  let target: Target;

  beforeAll(async () => {
    app = await startTestServer({ imports: [DashboardModule], settings: { apiKeys: KEY } });
    target = { url: `http://127.0.0.1:${app.port}`, key: KEY };
    browser = await Browser.start();
    ({ page } = await browser.open(`${target.url}/dashboard`));
    await shows('waiting for values');
  });
  afterAll(async () => {
    await browser?.stop();
    await app?.stop();
  });

  const shows = (state: string): Promise<void> => page.getByRole('status').filter({ hasText: state }).waitFor();
  const value = (name: string, text: string): Promise<void> =>
    page.getByLabel(name).filter({ hasText: text }).waitFor();

  it('shows the values that another program posts', async () => {
    await post(target, { orders: 17, visitors: 3 });
    await Promise.all([value('orders', '17'), value('visitors', '3'), shows('last values at')]);
    await post(target, { orders: 18 });
    await value('orders', '18');
    expect(await page.locator('polyline').first().getAttribute('points')).toBe('0,38 1,2');
  });

  it('connects at each form of its address, also below a path that a proxy removes', async () => {
    const front = await startForeignNginx({ '/site/': `proxy_pass ${target.url}/` });
    for (const at of [target.url, `${front.origin}/site`])
      for (const path of ['/dashboard', '/dashboard/', '/dashboard?a=/', '/dashboard/?a=b']) {
        const { page: opened } = await browser.open(at + path);
        await opened.getByRole('status').filter({ hasText: 'waiting for values' }).waitFor();
        await opened.close();
      }
    await front.stop();
  });

  it('gets no values that a session sends', async () => {
    const eve = await app.connect();
    eve.send({ type: 'dashboard.values', receiver: '*', data: { atMs: 0, values: { orders: 666 } }, id: '1' });
    expect(await eve.answer('1')).toMatchObject({ data: { code: 'reserved_type' } });
    await post(target, { visitors: 4 });
    await value('visitors', '4');
    expect(await page.getByLabel('orders').innerText()).toBe('18');
    await eve.close();
  });

  it('reports why the server refuses values', async () => {
    await expect(post({ ...target, key: 'not-a-key' }, { orders: 1 })).rejects.toThrow('401');
  });
});
