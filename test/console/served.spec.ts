import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

describe('the files of the console', () => {
  let server: TestServer;
  let origin: string;
  beforeAll(async () => {
    server = await startServer();
    origin = `http://127.0.0.1:${server.port}`;
  });
  afterAll(() => server.stop());

  it('have a Content-Security-Policy without other origins', async () => {
    for (const path of ['/', '/console/main.js', '/console/base.css', '/console/tables.json']) {
      const { status, headers } = await fetch(origin + path);
      expect(status).toBe(200);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('contain no inline style, no other origin, and no inline script but one that the policy names', async () => {
    const answer = await fetch(origin);
    const page = await answer.text();
    expect(page).not.toMatch(/<style|\bstyle=|\bon[a-z]+=|https?:\/\//);
    const [script, ...more] = [...page.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([^]*?)<\/script>/g)].map(
      ([, text]) => text!,
    );
    expect(more).toEqual([]);
    const hash = createHash('sha256').update(script!).digest('base64');
    expect(answer.headers.get('content-security-policy')).toContain(`script-src 'self' 'sha256-${hash}';`);
  });

  it('answer 304 to a matching ETag', async () => {
    const etag = (await fetch(origin)).headers.get('etag')!;
    expect((await fetch(origin, { headers: { 'If-None-Match': etag } })).status).toBe(304);
    expect((await fetch(origin, { headers: { 'If-None-Match': `W/${etag}, "other"` } })).status).toBe(304);
    expect((await fetch(origin, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
  });

  it('are the only files that are served', async () => {
    const paths = ['/console/nothing.js', '/console/..%2fmain.js', '/console/%2e%2e/main.js', '/console/__proto__'];
    for (const path of paths) expect([path, await statusOf(server.port, path)]).toEqual([path, 404]);
  });
});

describe('CONSOLE=off', () => {
  it('removes the page and all its files', async () => {
    const server = await startServer({ CONSOLE: 'off' });
    for (const path of ['/', '/console/main.js', '/console/tables.json'])
      expect([path, await statusOf(server.port, path)]).toEqual([path, 404]);
    await server.stop();
  });
});

describe('the console with AUTH=required', () => {
  it('requires a token, rejects an invalid one, and keeps it in memory only', async () => {
    const server = await startServer(AUTH);
    const browser = await Browser.start();
    const opened = await ConsolePage.open(browser, `http://127.0.0.1:${server.port}`);
    const { page } = opened;
    const field = page.getByLabel('Token (JWT)');
    await field.fill('no token');
    await page.getByRole('button', { name: 'Connect with token' }).click();
    await page.getByText('This is not a JWT').waitFor();
    await field.fill(await token({ sub: 'ann' }));
    await page.getByRole('button', { name: 'Connect with token' }).click();
    const [a, b] = await opened.connected();
    await a.write('chat', await b.id(), '"with a token"');
    await a.send();
    await b.row('with a token').waitFor();
    expect(await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie')).toBe('{}');
    expect(await page.content()).not.toContain('eyJ');
    expect(opened.errors).toEqual([]);
    await browser.stop();
    await server.stop();
  });

  it('explains a rejected token', async () => {
    const server = await startServer(AUTH);
    const browser = await Browser.start();
    const opened = await ConsolePage.open(browser, `http://127.0.0.1:${server.port}`);
    await opened.page.getByLabel('Token (JWT)').fill(await token({ expires: 1 }));
    await opened.page.getByRole('button', { name: 'Connect with token' }).click();
    const advice = opened.pane('A').element('advice');
    await advice.filter({ hasText: 'The token may be invalid or expired' }).waitFor();
    await browser.stop();
    await server.stop();
  });
});

/** Requests a path as it is written, because `fetch` would normalise it. */
function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}
