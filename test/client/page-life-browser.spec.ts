import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Tab } from '../support/browser.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { startServer, type TestServer } from '../support/server.js';

interface State {
  readonly phase: string;
  readonly code?: number;
  readonly reason?: string;
}

describe('the client in a page of Chromium', () => {
  let server: TestServer;
  let proxy: FaultProxy;
  let browser: Browser;
  let tab: Tab;
  beforeAll(async () => {
    server = await startServer({ AWAY_NOTICE_MS: '1' });
    proxy = await FaultProxy.start(server.port);
    browser = await Browser.start();
  });
  afterEach(async () => {
    proxy.discards = 'nothing';
    proxy.enable();
    await tab.close();
  });
  afterAll(async () => {
    await browser?.stop();
    await proxy?.stop();
    await server?.stop();
  });

  /** Opens a tab with a connected client `ann`, whose states are in `states`. */
  async function opened(options: object = {}): Promise<void> {
    tab = await browser.open(`http://127.0.0.1:${server.port}/client.js`);
    await tab.page.evaluate(`import('/client.js').then(async ({ connect }) => {
      globalThis.ann = connect(${JSON.stringify(proxy.url)}, ${JSON.stringify(options)});
      globalThis.states = [];
      await ann.ready();
      ann.onState((change) => states.push(change));
    })`);
  }

  const states = () => tab.page.evaluate<State[]>('states');
  const phase = () => tab.page.evaluate<string>('ann.phase');

  it('notices within seconds that the network is another one', async () => {
    await opened();
    proxy.discards = 'everything';
    await tab.page.context().setOffline(true);
    await tab.page.context().setOffline(false);
    await expect
      .poll(async () => (await states())[0])
      .toMatchObject({ phase: 'waiting', code: 1006, reason: 'silent' });
    proxy.discards = 'nothing';
    await expect.poll(phase).toBe('open');
  });

  it('tries at once when the network is back', async () => {
    await opened({ minDelayMs: 3_600_000, maxDelayMs: 3_600_000 });
    proxy.cut();
    await expect.poll(phase).toBe('waiting');
    await tab.page.context().setOffline(true);
    await tab.page.context().setOffline(false);
    await expect.poll(phase).toBe('open');
  });

  const RETURNED = [
    { phase: 'waiting', code: 1001, reason: 'page_hidden', away: true },
    { phase: 'connecting', away: true },
    { phase: 'open', resumed: true },
  ];

  it('is away with the page in the cache of the back button, and returns with it', async () => {
    const bob = await server.connect();
    await opened();
    const sender = await tab.page.evaluate<string>('ann.id');
    await tab.page.evaluate(`addEventListener('pageshow', ({ persisted }) => (globalThis.persisted = persisted))`);
    await tab.page.goto(`http://127.0.0.1:${server.port}/health/live`);
    // The sessions of the tests before may be away now, too.
    await expect.poll(() => bob.next('sys.away')).toMatchObject({ sender });
    await tab.page.evaluate('setTimeout(() => history.back())');
    await expect.poll(() => tab.page.evaluate('globalThis.persisted')).toBe(true);
    await expect.poll(phase).toBe('open');
    expect(await tab.page.evaluate('ann.id')).toBe(sender);
    // A page that is kept is hidden first and frozen then; some pages of Chromium get only the first event.
    const seen = (await states()) as { reason?: string }[];
    const hidden = seen.findLastIndex(({ reason }) => reason === 'page_hidden');
    expect(seen.slice(hidden)).toMatchObject(RETURNED);
    await bob.close();
  });

  it('follows events of the document, which do not bubble', async () => {
    await opened();
    await tab.page.evaluate(`document.dispatchEvent(new Event('freeze'))`);
    expect(await phase()).toBe('waiting');
    await tab.page.evaluate(`document.dispatchEvent(new Event('resume'))`);
    await expect.poll(phase).toBe('open');
    expect(await states()).toMatchObject(RETURNED);
  });
});
