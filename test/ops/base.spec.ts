import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { Browser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

const KEY = 'a-key-of-many-characters-indeed';
const ENDPOINTS = [
  '/',
  '/console/main.js',
  '/console/tables.json',
  '/client.js',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/docs',
  '/docs/page.js',
  '/asyncapi.json',
  '/api/v1/openapi.json',
  '/api/v1/stats',
];
const headers = { Authorization: `Bearer ${KEY}` };

/** Loads both pages and returns the paths that they requested, and the errors in the browser's log. */
async function pagesAt(browser: Browser, base: string): Promise<{ requests: string[]; errors: string }> {
  const tab = await browser.open();
  const requests: string[] = [];
  tab.page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  await tab.page.goto(`${base}/docs`);
  await tab.page.waitForSelector('#limits');
  await tab.page.goto(`${base}/docs/`);
  await tab.page.waitForSelector('#limits');
  await tab.page.goto(`${base}/`);
  await tab.page.locator('.pane').first().waitFor({ state: 'attached' });
  const errors = tab.console;
  await tab.page.close();
  return { requests, errors };
}

describe('with HTTP_BASE=/live/chat', () => {
  let server: TestServer;
  let nginx: Nginx;
  let browser: Browser;
  let origin: string;
  beforeAll(async () => {
    server = await startServer({ HTTP_BASE: '/live/chat', API_KEYS: KEY, ALLOWED_HOSTS: 'localhost 127.0.0.1' });
    nginx = await startNginx({ appPort: server.port, httpBase: '/live/chat' });
    browser = await Browser.start(nginx.caFile);
    origin = `http://127.0.0.1:${server.port}`;
  });
  afterAll(async () => {
    await browser.stop();
    await nginx.stop();
    await server.stop();
  });

  it.each(ENDPOINTS)('%s is served below the base and nowhere else', async (path) => {
    expect((await ask(`${origin}/live/chat${path}`, { headers })).status).toBe(200);
    expect((await ask(origin + path, { headers })).status).toBe(404);
  });

  it('the base without a slash leads to the console, by a relative address', async () => {
    const { status, headers: answered } = await ask(`${origin}/live/chat`);
    expect([status, answered.location]).toEqual([302, 'chat/']);
  });

  it('probes need no entry in ALLOWED_HOSTS', async () => {
    const foreign = { headers: { host: 'app:3000' } };
    expect((await ask(`${origin}/live/chat/health/live`, foreign)).status).toBe(200);
    expect((await ask(`${origin}/health/live`, foreign)).status).toBe(403);
    expect((await ask(`${origin}/live/chat/metrics`, { headers: { host: '10.1.2.3' } })).status).toBe(200);
  });

  it('the HTTP API describes itself by relative addresses', async () => {
    const document = `${origin}/live/chat/api/v1/openapi.json`;
    const { servers, paths } = JSON.parse((await ask(document)).body) as { servers: { url: string }[]; paths: object };
    expect(new URL(servers[0]!.url, document).pathname).toBe('/live/chat/');
    expect(Object.keys(paths)).toContain('/api/v1/stats');
    const undecodable = await ask(`${origin}/live/chat/api/v1/%ff`, { headers });
    expect(undecodable.headers['content-type']).toBe('application/problem+json');
  });

  it('nginx hides the metrics and passes on the rest', async () => {
    const ca = await readFile(nginx.caFile, 'utf8');
    const secure = `https://localhost:${nginx.httpsPort}/live/chat`;
    expect((await ask(`${secure}/metrics`, { ca })).status).toBe(404);
    expect((await ask(`${secure}/METRICS/`, { ca })).status).toBe(404);
    expect((await ask(`${secure}/health/ready`, { ca })).status).toBe(200);
  });

  it('the console and the documentation work through nginx, without a request outside the base', async () => {
    const secure = `https://localhost:${nginx.httpsPort}/live/chat`;
    const { requests, errors } = await pagesAt(browser, secure);
    expect(requests.filter((path) => !path.startsWith('/live/chat/'))).toEqual([]);
    expect(errors).toBe('');
    const opened = await ConsolePage.open(browser, `https://localhost:${nginx.httpsPort}`, '/live/chat');
    const [a, b] = await opened.connected();
    await a.write('chat', await b.id(), '"below a base"');
    await a.send();
    await b.row('below a base').waitFor();
    await opened.close();
  });
});

describe('HTTP_BASE', () => {
  it.each(['chat', '/chat/', '', '//', '/a b', '/a?b'])('"%s" is not a base, or the default', async (base) => {
    const started = startServer({ HTTP_BASE: base }).then(async (server) => {
      const { status } = await ask(`http://127.0.0.1:${server.port}/health/live`);
      await server.stop();
      return status;
    });
    if (base === '') expect(await started).toBe(200);
    else await expect(started).rejects.toThrow('HTTP_BASE must be / or a path such as /chat, without a trailing slash');
  });
});
