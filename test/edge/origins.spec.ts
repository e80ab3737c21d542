import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/standalone/app.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const PRODUCTION = { NODE_ENV: 'production' };

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Attempts a handshake; returns 101 or the status of the rejection. */
async function handshake(headers: Record<string, string>): Promise<number> {
  const client = await server!.connect({ headers }).catch(() => undefined);
  await client?.close(1000);
  if (client !== undefined) return 101;
  return (await ask(server!.url.replace('ws:', 'http:'), { headers: { ...HANDSHAKE, ...headers } })).status;
}

async function verdicts(origins: readonly string[], headers: Record<string, string> = {}) {
  const all: Record<string, number> = {};
  for (const origin of origins) all[origin] = await handshake({ ...headers, origin });
  return all;
}
const all = (origins: readonly string[], verdict: number) =>
  Object.fromEntries(origins.map((origin) => [origin, verdict]));

/** Origins of clients that are no web pages of a host, as `docs/clients.md` lists them. */
const documented = (): string[] => {
  const text = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');
  const section = text.split('## Origins')[1]!.split('\n## ')[0]!;
  const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.flatMap((row) => [...row.split('|')[2]!.matchAll(/`([^`]+)`/g)].map(([, origin]) => origin!));
};

const APPS = [
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://6b8a3f0e-7f6c-4b0e-9d0a-2f7d8c1e5a33',
  'safari-web-extension://8F1C9A52-AAAA-4BBB-8CCC-0123456789AB',
  'capacitor://localhost',
  'ionic://localhost',
  'tauri://localhost',
  'http://tauri.localhost',
  'app://bundle',
  'app://-',
  'vscode-webview://0abc123',
  'https://localhost',
  'http://localhost',
  'file://',
];

describe('an origin that is no web page of a host', () => {
  it('connects where it is listed by its exact text, and only then', async () => {
    server = await startServer({ ...PRODUCTION, ALLOWED_ORIGINS: APPS.join(' ') });
    expect(await verdicts(APPS)).toEqual(all(APPS, 101));
    const others = [
      'chrome-extension://abcdefghijklmnopabcdefghijklmnoq',
      'chrome-extension://',
      'moz-extension://6b8a3f0e-7f6c-4b0e-9d0a-2f7d8c1e5a34',
      'capacitor://localhost.evil.test',
      'capacitor://localhost:80',
      'ionic://localhos',
      'app://bundle.evil',
      'app://',
      'http://localhost:8100',
      'file://evil.test',
      'null',
    ];
    expect(await verdicts(others)).toEqual(all(others, 403));
  });

  it('does not connect where nothing is listed, whatever the Host', async () => {
    server = await startServer(PRODUCTION);
    const unlisted = [...APPS, 'null'];
    expect(await verdicts(unlisted, { host: 'localhost' })).toEqual({
      ...all(unlisted, 403),
      // The same origin.
      'https://localhost': 101,
      'http://localhost': 101,
    });
  });

  it('may be of any host of a listed scheme', async () => {
    server = await startServer({ ...PRODUCTION, ALLOWED_ORIGINS: 'moz-extension://*' });
    expect(await verdicts(APPS)).toEqual({ ...all(APPS, 403), [APPS[1]!]: 101 });
    expect(await handshake({ origin: 'moz-extension://' })).toBe(403);
  });

  it('is allowed for each client that the documentation lists', async () => {
    const origins = documented();
    expect(origins.length).toBeGreaterThan(12);
    server = await startServer({ ...PRODUCTION, ALLOWED_ORIGINS: origins.join(' ') });
    const sent = origins.map((origin) => origin.replace('*', 'x'));
    expect(await verdicts(sent)).toEqual(all(sent, 101));
  });
});

describe('the log line of a refused handshake', () => {
  const lines = keepLogLines();

  it('has the origin, clipped, or the host, as the operator would list them', async () => {
    server = await startServer({ ...PRODUCTION, ALLOWED_HOSTS: '127.0.0.1', LOG_LEVEL: 'info', LOG_FORMAT: 'text' });
    const refused = (): string => lines.findLast((line) => line.includes('handshake refused'))!;
    expect(await handshake({ origin: 'capacitor://localhost' })).toBe(403);
    expect(refused()).toMatch(/code=origin_not_allowed reason="capacitor:\/\/localhost is not in ALLOWED_ORIGINS"/);
    expect(await handshake({ origin: `https://${'x'.repeat(5000)}` })).toBe(403);
    expect(refused().length).toBeLessThan(500);
    expect(await handshake({ host: 'rebound.test:80' })).toBe(403);
    expect(refused()).toContain('reason="rebound.test is not in ALLOWED_HOSTS"');
    await ask(`http://127.0.0.1:${server.port}/asyncapi.json`, { headers: { host: 'rebound.test' } });
    expect(lines.filter((line) => line.includes('"rebound.test is not in ALLOWED_HOSTS"'))).toHaveLength(3);
  });
});

describe('the origin null', () => {
  const lines = keepLogLines();

  it('connects where it is listed, with a warning in production', async () => {
    server = await startServer({ ...PRODUCTION, ALLOWED_ORIGINS: 'https://app.example.com null', LOG_LEVEL: 'warn' });
    expect(await verdicts(['null', 'https://evil.test'])).toEqual({ null: 101, 'https://evil.test': 403 });
    expect(lines.filter((line) => line.includes('ALLOWED_ORIGINS lists null'))).toHaveLength(1);
  });
});

describe('the origin of a web page', () => {
  it('is one origin in every spelling: upper case, default port, trailing dot, Unicode and punycode', async () => {
    const listed = 'HTTPS://App.Example.com https://münchen.example http://one.test:80 https://*.bücher.example';
    server = await startServer({ ...PRODUCTION, ALLOWED_ORIGINS: `${listed} https://dot.example.` });
    const origins = [
      'https://app.example.com',
      'https://APP.example.COM:443',
      'https://app.example.com.',
      'https://app.example.com.:443',
      'https://xn--mnchen-3ya.example',
      'https://XN--MNCHEN-3YA.example',
      'https://münchen.example',
      'http://one.test',
      'https://shop.xn--bcher-kva.example',
      'https://dot.example',
    ];
    expect(await verdicts(origins)).toEqual(all(origins, 101));
    const others = [
      'http://app.example.com',
      'https://app.example.com..',
      'https://munchen.example',
      'https://xn--bcher-kva.example',
      'https://a.b.xn--bcher-kva.example',
      'https://app.example.com, https://evil.test',
      'https://app.example.com@evil.test',
      '',
    ];
    expect(await verdicts(others)).toEqual(all(others, 403));
  });

  it('is the same origin with a trailing dot, a default port or in upper case', async () => {
    server = await startServer({ ...PRODUCTION, ALLOWED_HOSTS: 'chat.example xn--mnchen-3ya.example' });
    for (const host of ['chat.example', 'chat.example.', 'CHAT.example:443', 'chat.example.:443'])
      for (const origin of ['https://chat.example', 'https://chat.example.', 'https://Chat.Example:443'])
        expect([host, origin, await handshake({ host, origin })]).toEqual([host, origin, 101]);
    expect(await handshake({ host: 'chat.example:8443', origin: 'https://chat.example' })).toBe(403);
    expect(await handshake({ host: 'evil.test.', origin: 'https://evil.test.' })).toBe(403);
  });

  it('may be a host name of ALLOWED_HOSTS in Unicode', async () => {
    server = await startServer({ ...PRODUCTION, ALLOWED_HOSTS: 'münchen.example' });
    const host = 'xn--mnchen-3ya.example';
    expect(await handshake({ host, origin: `https://${host}` })).toBe(101);
    expect(await handshake({ host: 'munchen.example', origin: 'https://munchen.example' })).toBe(403);
  });
});

describe('a page over http beside a server over TLS', () => {
  let folder: string;
  let tls: Record<string, string>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-origins-'));
    await makeCertificates(folder);
    tls = { TLS_CERT_FILE: join(folder, 'fullchain.pem'), TLS_KEY_FILE: join(folder, 'privkey.pem') };
  });
  afterAll(() => rm(folder, { recursive: true }));

  const status = async (origin: string): Promise<number> => {
    const options = { headers: { host: 'chat.example', origin }, rejectUnauthorized: false };
    return connect(`wss://localhost:${server!.port}/wss`, options).then(
      async (client) => client.close(1000).then(() => 101),
      ({ message }: Error) => Number(/\b\d{3}\b/.exec(message)?.[0]),
    );
  };

  it('connects only where it is listed', async () => {
    server = await startServer({ ...PRODUCTION, ...tls });
    expect([await status('http://chat.example'), await status('https://chat.example')]).toEqual([403, 101]);
    await server.stop();
    server = await startServer({ ...PRODUCTION, ...tls, ALLOWED_ORIGINS: 'http://chat.example http://localhost' });
    for (const origin of ['http://chat.example', 'https://chat.example', 'http://localhost'])
      expect([origin, await status(origin)]).toEqual([origin, 101]);
    expect(await status('http://other.example')).toBe(403);
  });

  it('connects only where it is listed, if a proxy has ended TLS', async () => {
    const proxied = { host: 'chat.example', 'x-forwarded-proto': 'https', origin: 'http://chat.example' };
    server = await startServer({ ...PRODUCTION, FRONT_PROXIES: '127.0.0.1' });
    expect(await handshake(proxied)).toBe(403);
    await server.stop();
    const listed = { ALLOWED_ORIGINS: 'http://chat.example' };
    server = await startServer({ ...PRODUCTION, FRONT_PROXIES: '127.0.0.1', ...listed });
    expect(await handshake(proxied)).toBe(101);
  });
});

describe('ALLOWED_ORIGINS', () => {
  it.each([
    'app.example.com',
    'localhost:3000',
    'https://app.example.com/',
    'https://app.example.com/chat',
    'https://app.example.com?x',
    'https://user@app.example.com',
    'https://',
    'https://a.*.example.com',
    'https://**.example.com',
    'https://*',
    'http://*',
    'wss://*',
    'https://app.example.com:99999',
    'https://ex ample.com',
    'capacitor:localhost',
    'moz-extension://*.x',
    'NULL://*x',
    '://host',
  ])('refuses %j at the start', async (origin) => {
    const variables = { PORT: '0', LOG_LEVEL: 'error', ALLOWED_ORIGINS: origin.replace(' ', '%20') };
    await expect(createApp({ variables })).rejects.toThrow(/ALLOWED_ORIGINS must list origins/);
  });
});
