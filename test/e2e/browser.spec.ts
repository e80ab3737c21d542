import { on } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Tab } from '../support/browser.js';
import { connect } from '../support/client.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

describe('a browser that trusts the authority', () => {
  let server: TestServer;
  let nginx: Nginx;
  let browser: Browser;
  let page: string;

  beforeAll(async () => {
    server = await startServer();
    nginx = await startNginx({ appPort: server.port });
    browser = await Browser.start(nginx.caFile);
    page = pageOf(nginx);
  });
  afterAll(async () => {
    await browser?.stop();
    await nginx?.stop();
    await server?.stop();
  });

  const joined = async (): Promise<Tab> => (await browser.open(page)).join(nginx.url);

  it('shows the page as secure', async () => {
    const tab = await browser.open();
    const response = await tab.page.goto(page);
    expect((await response!.securityDetails())!.issuer).toMatch(/^Switchboard local CA /);
    expect(await tab.page.evaluate('isSecureContext && location.protocol')).toBe('https:');
    await tab.close();
  });

  it('exchanges messages between two tabs', async () => {
    const [ann, bob] = [await joined(), await joined()];
    await ann.send({ type: 'offer', receiver: bob.id, data: { text: 'hello', number: 0.1 }, id: '1' });
    const offer = await bob.next('offer');
    expect(offer).toEqual({
      type: 'offer',
      sender: ann.id,
      receiver: bob.id,
      data: { text: 'hello', number: 0.1 },
      id: '1',
    });
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    await bob.send({ type: 'answer', receiver: offer.sender, data: { text: 'hello yourself' } });
    expect(await ann.next('answer')).toMatchObject({ sender: bob.id, data: { text: 'hello yourself' } });
    await close(ann, bob);
  });

  it('exchanges messages between a tab and a script', async () => {
    const tab = await joined();
    const script = await connect(nginx.url, { ca: await readFile(nginx.caFile) });
    await tab.send({ type: 'to.script', receiver: script.id, data: 1 });
    expect(await script.next('to.script')).toMatchObject({ sender: tab.id, data: 1 });
    script.send({ type: 'to.tab', receiver: tab.id, data: 2 });
    expect(await tab.next('to.tab')).toMatchObject({ sender: script.id, data: 2 });
    await Promise.all([tab.close(), script.close()]);
  });

  it('notifies a tab when another opens and when it is closed', async () => {
    const ann = await joined();
    const bob = await joined();
    expect(await ann.next('sys.arrived', bob.id)).toMatchObject({ receiver: '*' });
    await bob.close();
    expect(await ann.next('sys.departed', bob.id)).toMatchObject({ receiver: '*', data: { code: 1001 } });
    await close(ann);
  });

  it('notifies a tab when another navigates to another page', async () => {
    const [ann, bob] = [await joined(), await joined()];
    await bob.page.goto('about:blank');
    expect(await ann.next('sys.departed', bob.id)).toMatchObject({ data: { code: 1001 } });
    await close(ann, bob);
  });

  it.each([
    ['60 KB of text', Array.from({ length: 60 * 1024 }, (_, index) => String.fromCharCode(97 + (index % 23))).join('')],
    ['60 KB of emoji', '🦊'.repeat(15 * 1024)],
    ['emoji of many parts', '👩🏽‍🚀 👨‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 1️⃣ ❤️ 🫱🏻‍🫲🏿 \u{1fae8}'],
    ['other scripts and odd characters', 'Grüße 漢字 кириллица العربية नमस्ते \u2028\u2029\ufeff\u0000"\\/'],
  ])('delivers %s unchanged', async (_, text) => {
    const [ann, bob] = [await joined(), await joined()];
    await ann.send({ type: 'text', receiver: bob.id, data: text });
    const { data } = (await bob.next('text')) as { data?: unknown };
    expect(data === text).toBe(true);
    await close(ann, bob);
  });

  it('passes the close code to the page, even in the middle of a long message', async () => {
    const tab = await browser.open(page);
    // Repeated, because a reset, which hides the code, occurs only if the page is still sending.
    for (let times = 0; times < 20; times++) {
      await tab.join(nginx.url);
      await tab.send({ type: 'text', receiver: tab.id, data: 'x'.repeat(1_000_000) });
      expect(await tab.closed()).toMatchObject({ code: 1009, reason: 'message_too_big' });
    }
    await tab.close();
  });

  it('reports a rejected handshake to the page as a failed connection', async () => {
    const tab = await browser.open(page);
    expect(await tab.connect(nginx.url.replace('/wss', '/other'))).toBe(false);
    expect(await tab.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(tab.console).toContain('Unexpected response code: 404');
    await tab.close();
  });
});

describe('a browser', () => {
  let server: TestServer;
  let nginx: Nginx;

  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: '1000' });
    nginx = await startNginx({ appPort: server.port, variables: { IDLE_TIMEOUT: '3s' } });
  });
  afterAll(async () => {
    await nginx?.stop();
    await server?.stop();
  });

  it('that does not trust the authority rejects both the WebSocket and the page', async () => {
    const browser = await Browser.start();
    const tab = await browser.open();
    expect(await tab.connect(nginx.url)).toBe(false);
    expect(await tab.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(tab.console).toContain('net::ERR_CERT_AUTHORITY_INVALID');
    await expect(browser.open(pageOf(nginx))).rejects.toThrow('net::ERR_CERT_AUTHORITY_INVALID');
    expect(await nginx.accessLog()).toEqual([]);
    await browser.stop();
  });

  it('answers pings by itself, so a silent tab stays connected', async () => {
    const browser = await Browser.start(nginx.caFile);
    const tab = await (await browser.open(pageOf(nginx))).join(nginx.url);
    const script = await connect(nginx.url, { ca: await readFile(nginx.caFile) });
    let pings = 0;
    for await (const _ of on(script.socket, 'ping')) if (++pings === 4) break;
    await tab.send({ type: 'sys.ping', data: 'still here' });
    expect(await tab.next('sys.pong')).toMatchObject({ data: 'still here' });
    await script.close();
    await browser.stop();
  });
});

/** Any response of the server is a page of its origin. */
function pageOf({ httpsPort }: Nginx): string {
  return `https://localhost:${httpsPort}/health/live`;
}

async function close(...tabs: readonly Tab[]): Promise<void> {
  await Promise.all(tabs.map((tab) => tab.close()));
}
