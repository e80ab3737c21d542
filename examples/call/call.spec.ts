import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { startTestServer, type TestServer } from 'switchboard/testing';
import { Browser } from '../../test/support/browser.js';
import { startForeignNginx } from '../../test/support/foreign-nginx.js';
import { CallModule } from './call.module.js';

describe('the call', () => {
  let app: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    app = await startTestServer({ imports: [CallModule] });
    // Host candidates must be addresses, because mDNS names need a network that resolves them.
    browser = await Browser.start(undefined, [
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      '--allow-loopback-in-peer-connection',
    ]);
  });
  afterAll(async () => {
    await browser?.stop();
    await app?.stop();
  });

  const open = async (at = `http://127.0.0.1:${app.port}/call`): Promise<Page> => {
    const { page } = await browser.open(at);
    await page.locator('#own', { hasText: '.' }).waitFor();
    return page;
  };
  const dial = async (page: Page, id: string): Promise<void> => {
    await page.getByLabel('Call the id').fill(id);
    await page.getByRole('button', { name: 'Call' }).click();
  };
  const says = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('Say').fill(text);
    await page.getByRole('button', { name: 'Say' }).click();
  };
  const shows = async (page: Page, role: 'status' | 'log', text: string): Promise<void> =>
    page.getByRole(role).filter({ hasText: text }).waitFor();

  it('connects two tabs, which then talk without the server', async () => {
    const [ann, bob] = [await open(), await open()];
    await dial(ann, await bob.locator('#own').innerText());
    await Promise.all([shows(ann, 'status', 'connected'), shows(bob, 'status', 'connected')]);
    await says(ann, 'hello');
    await shows(bob, 'log', 'peer: hello');
    await says(bob, 'hello yourself');
    await shows(ann, 'log', 'peer: hello yourself');
    await ann.getByRole('button', { name: 'Hang up' }).click();
    await shows(bob, 'status', 'the peer hung up');
    await Promise.all([ann.close(), bob.close()]);
  });

  it('continues when the server stops', async () => {
    const short = await startTestServer({ imports: [CallModule] });
    const at = `http://127.0.0.1:${short.port}/call`;
    const [ann, bob] = [await open(at), await open(at)];
    await dial(ann, await bob.locator('#own').innerText());
    await Promise.all([shows(ann, 'status', 'connected'), shows(bob, 'status', 'connected')]);
    const stopped = short.stop();
    await Promise.all([shows(ann, 'status', 'reload the page'), shows(bob, 'status', 'reload the page')]);
    await says(ann, 'still there?');
    await shows(bob, 'log', 'peer: still there?');
    await Promise.all([ann.close(), bob.close()]);
    // The browser opens connections in advance. The server would wait for their first request.
    short.app.getHttpServer().closeAllConnections();
    await stopped;
  });

  it('connects at each form of its address, also below a path that a proxy removes', async () => {
    const front = await startForeignNginx({ '/site/': `proxy_pass http://127.0.0.1:${app.port}/` });
    for (const at of [`http://127.0.0.1:${app.port}`, `${front.origin}/site`])
      for (const path of ['/call', '/call/', '/call?a=/', '/call/?a=b']) await (await open(at + path)).close();
    await front.stop();
  });

  it('shows why a call failed', async () => {
    const ann = await open();
    await dial(ann, 'nobody.here');
    await shows(ann, 'status', 'No session has this id.');
    await ann.close();
  });

  it('ends when the peer closes its tab', async () => {
    const [ann, bob] = [await open(), await open()];
    await dial(ann, await bob.locator('#own').innerText());
    await shows(ann, 'status', 'connected');
    await bob.close();
    await shows(ann, 'status', 'the peer has left');
    await ann.close();
  });
});
