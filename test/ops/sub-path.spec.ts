import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { Browser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startForeignNginx, type ForeignNginx } from '../support/foreign-nginx.js';
import { startServer, type TestServer } from '../support/server.js';

interface Front {
  /** Settings of the server. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Locations of the front, by their paths; `APP` is the address of the server. */
  readonly locations: Readonly<Record<string, string>>;
  /** Address of the console as clients see it. */
  readonly console: string;
  /** Address of the WebSocket endpoint as clients see it. */
  readonly webSocket: string;
}

const FRONTS: Readonly<Record<string, Front>> = {
  'a proxy that removes the path': {
    locations: { '/chat/': 'proxy_pass http://APP/' },
    console: '/chat/',
    webSocket: '/chat/wss',
  },
  'a proxy that removes a path of two names': {
    locations: { '/live/chat/': 'proxy_pass http://APP/' },
    console: '/live/chat/',
    webSocket: '/live/chat/wss',
  },
  'a proxy that removes the path by a rewrite, also without a slash': {
    locations: { '/chat': 'rewrite ^/chat(/|$)(.*) /$2 break; proxy_pass http://APP' },
    console: '/chat/',
    webSocket: '/chat/wss',
  },
  'a proxy that passes the path on': {
    variables: { HTTP_BASE: '/chat', WS_PATH: '/chat/wss' },
    locations: { '/chat': 'proxy_pass http://APP' },
    console: '/chat/',
    webSocket: '/chat/wss',
  },
  'a proxy that removes a path, with HTTP_BASE below it': {
    variables: { HTTP_BASE: '/live/chat', WS_PATH: '/live/chat/wss' },
    locations: { '/site/': 'proxy_pass http://APP/' },
    console: '/site/live/chat/',
    webSocket: '/site/live/chat/wss',
  },
  'a proxy that removes a path, with HTTP_BASE beside WS_PATH': {
    variables: { HTTP_BASE: '/live/chat' },
    locations: { '/site/': 'proxy_pass http://APP/' },
    console: '/site/live/chat/',
    webSocket: '/site/wss',
  },
  'a proxy that passes on all, with WS_PATH alone': {
    variables: { WS_PATH: '/chat/wss' },
    locations: { '= /': 'proxy_pass http://APP', '~ ^/(console|docs|chat|client|asyncapi)': 'proxy_pass http://APP' },
    console: '/',
    webSocket: '/chat/wss',
  },
};

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());

describe.each(Object.entries(FRONTS))('behind %s', (_, { variables = {}, locations, console, webSocket }) => {
  let server: TestServer;
  let front: ForeignNginx;
  beforeAll(async () => {
    server = await startServer(variables);
    const named = Object.entries(locations).map(
      ([path, directives]) => [path, directives.replace('APP', `127.0.0.1:${server.port}`)] as const,
    );
    front = await startForeignNginx(Object.fromEntries(named));
  });
  afterAll(async () => {
    await front.stop();
    await server.stop();
  });

  it('the console connects, and requests nothing of the rest of the site', async () => {
    const opened = await ConsolePage.open(browser, front.origin, console);
    const [a, b] = await opened.connected();
    await a.write('chat', await b.id(), '"below a path"');
    await a.send();
    await b.row('below a path').waitFor();
    expect([...new Set(opened.sockets)]).toEqual([webSocket]);
    expect(await opened.page.locator('#endpoint').innerText()).toBe(new URL(front.origin).host + webSocket);
    await opened.close();
  });

  it('the console without the slash at the end leads to the console', async () => {
    const { page } = await browser.open();
    await page.goto(`${front.origin}${console.replace(/.\/$/, ($0) => $0.slice(0, 1))}?a=b#c`);
    await page.waitForURL(new RegExp(`${console}(\\?a=b)?#c$`));
    await page.locator('.pane').first().waitFor({ state: 'attached' });
    await page.close();
  });

  it.each(['docs', 'docs/'])('the documentation at %s names the address of the WebSocket endpoint', async (path) => {
    const tab = await browser.open(`${front.origin}${console}${path}`);
    await tab.page.waitForSelector('#limits');
    const url = `${front.origin.replace('http', 'ws')}${webSocket}`;
    expect(await tab.page.locator('#connect .address').innerText()).toBe(url);
    expect(await tab.page.locator('#connect pre').innerText()).toContain(`new WebSocket('${url}')`);
    expect(tab.console).toBe('');
    await tab.page.locator('a.raw').click();
    await tab.page.waitForURL(`${front.origin}${console}asyncapi.json`);
    await tab.close();
  });

  it('the AsyncAPI document names no address but relative to its own', async () => {
    const { body } = await ask(`${front.origin}${console}asyncapi.json`);
    const { channels, servers } = JSON.parse(body) as {
      channels: { wss: { address: string; 'x-reference': string } };
      servers: Record<string, { host: string; pathname: string; variables: Record<string, { default?: string }> }>;
    };
    const { address, 'x-reference': reference } = channels.wss;
    expect(new URL(reference, `${front.origin}${console}asyncapi.json`).pathname).toBe(webSocket);
    for (const { host, pathname, variables: parts } of Object.values(servers)) {
      expect([host, pathname, parts['authority']!.default]).toEqual(['{authority}', '{prefix}', undefined]);
      expect(webSocket.endsWith(address)).toBe(true);
    }
  });
});

it('the console loads once more, and not without end, behind a proxy that removes the slash at the end', async () => {
  const server = await startServer();
  const front = await startForeignNginx({
    '= /chat/': 'return 301 /chat',
    '/chat': `rewrite ^/chat(/|$)(.*) /$2 break; proxy_pass http://127.0.0.1:${server.port}`,
  });
  const { page } = await browser.open();
  const loads: string[] = [];
  page.on('request', (request) => request.isNavigationRequest() && loads.push(new URL(request.url()).pathname));
  const said = page.waitForEvent('console', (message) => message.text().includes('removes the slash'));
  await Promise.all([said, page.goto(`${front.origin}/chat`).catch(() => undefined)]); // the second load ends the first
  expect(loads).toEqual(['/chat', '/chat/', '/chat']);
  await page.close();
  await front.stop();
  await server.stop();
});
