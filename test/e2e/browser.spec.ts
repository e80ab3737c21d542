import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type Browser } from '../support/browser.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

interface Envelope {
  readonly type: string;
  readonly sender: string;
  readonly receiver: string;
  readonly data?: unknown;
}

/** What a page keeps for the test; the page's own code is a plain WebSocket and nothing else. */
interface TestPage {
  socket: WebSocketLike;
  /** Takes the next envelope of a type. */
  next(type: string): Promise<Envelope>;
}

interface WebSocketLike {
  onmessage: (event: { data: string }) => void;
  onclose: (event: { code: number }) => void;
  send(text: string): void;
}

describe('a real browser', () => {
  let server: TestServer;
  let nginx: Nginx;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    server = await startServer();
    nginx = await startNginx({ appPort: server.port });
    browser = await startBrowser(nginx.caFile);
    origin = `https://localhost:${nginx.httpsPort}`;
  });
  afterAll(async () => {
    await browser?.stop();
    await nginx?.stop();
    await server?.stop();
  });

  it('trusts the authority, talks between two tabs and sees one of them leave', async () => {
    const alice = await openTab();
    const aliceId = await connectTab(alice, nginx.url);
    const bob = await openTab();
    const bobId = await connectTab(bob, nginx.url);
    expect(await next(alice, 'sys.arrived')).toMatchObject({ sender: bobId });

    await say(alice, { type: 'chat', receiver: bobId, data: { text: 'hello 👋 grüße', number: 0.1 } });
    expect(await next(bob, 'chat')).toMatchObject({ sender: aliceId, data: { text: 'hello 👋 grüße', number: 0.1 } });
    const long = 'x'.repeat(60_000);
    await say(bob, { type: 'file', receiver: aliceId, data: long });
    expect((await next(alice, 'file')).data).toBe(long);

    await bob.close();
    expect(await next(alice, 'sys.departed')).toMatchObject({ sender: bobId, data: { code: 1001 } });
    await alice.close();
  });

  it('sees a refusal on another path as a failed connection', async () => {
    const tab = await openTab();
    await expect(connectTab(tab, `${nginx.url}-elsewhere`)).rejects.toThrow(/closed with 1006/);
    await tab.close();
  });

  it('is kept out where the authority is not trusted', async () => {
    const stranger = await startBrowser();
    const tab = await stranger.context.newPage();
    await expect(connectTab(tab, nginx.url)).rejects.toThrow(/closed with 1006/);
    await stranger.stop();
  });

  /** Opens a page of the same origin, whatever it shows. */
  async function openTab(): Promise<Page> {
    const tab = await browser.context.newPage();
    await tab.goto(`${origin}/health/live`);
    return tab;
  }
});

/** Connects in a page as any page would, and returns the session id. */
async function connectTab(tab: Page, url: string): Promise<string> {
  return tab.evaluate(async (address) => {
    const page = globalThis as unknown as TestPage & { WebSocket: new (url: string) => WebSocketLike };
    const inbox: Envelope[] = [];
    let look = (): void => undefined;
    const socket = new page.WebSocket(address);
    page.socket = socket;
    page.next = (type) =>
      new Promise((resolve) => {
        look = () => {
          const index = inbox.findIndex((envelope) => envelope.type === type);
          if (index !== -1) resolve(inbox.splice(index, 1)[0]!);
        };
        look();
      });
    socket.onmessage = ({ data }) => {
      inbox.push(JSON.parse(data) as Envelope);
      look();
    };
    const closed = new Promise<never>((_, reject) => {
      socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    });
    closed.catch(() => undefined);
    const welcome = await Promise.race([page.next('sys.welcome'), closed]);
    return welcome.receiver;
  }, url);
}

async function say(tab: Page, envelope: object): Promise<void> {
  await tab.evaluate((text) => (globalThis as unknown as TestPage).socket.send(text), JSON.stringify(envelope));
}

async function next(tab: Page, type: string): Promise<Envelope> {
  return tab.evaluate((wanted) => (globalThis as unknown as TestPage).next(wanted), type);
}
