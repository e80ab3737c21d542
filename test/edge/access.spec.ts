import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/standalone/app.js';
import { rateLimitKey } from '../../src/gateway/handshake/client-address.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Attempts a handshake; returns 101 or the rejection. */
async function handshake(headers: Record<string, string>): Promise<number | string> {
  const url = server!.url.replace('ws:', 'http:');
  try {
    const client = await connect(server!.url, { headers });
    await client.close(1000);
    return 101;
  } catch {
    const { status, body } = await ask(url, { headers: { ...HANDSHAKE, ...headers } });
    return `${status} ${(JSON.parse(body) as { error: { code: string } }).error.code}`;
  }
}

const FORBIDDEN = '403 origin_not_allowed';

describe('the origin of a web page', () => {
  it('is rejected unless it is the same origin, listed or absent', async () => {
    server = await startServer({
      NODE_ENV: 'production',
      ALLOWED_ORIGINS: 'https://app.example.com, https://*.example.org http://one.test:8080',
    });
    const own = server.url.replace('ws:', 'http:').replace('/wss', '');
    const verdicts: Record<string, number | string> = {
      [own]: 101,
      'https://app.example.com': 101,
      'https://app.example.com:443': 101,
      'https://a.example.org': 101,
      'http://one.test:8080': 101,
      'https://evil.test': FORBIDDEN,
      'http://app.example.com': FORBIDDEN,
      'https://app.example.com.evil.test': FORBIDDEN,
      'https://app.example.com:8443': FORBIDDEN,
      'https://example.org': FORBIDDEN,
      'https://a.b.example.org': FORBIDDEN,
      'https://aexample.org': FORBIDDEN,
      'http://localhost:5173': FORBIDDEN,
      null: FORBIDDEN,
      'file://': FORBIDDEN,
      'not an origin': FORBIDDEN,
      'https://user@app.example.com': FORBIDDEN,
      'https://app.example.com/path': FORBIDDEN,
    };
    for (const [origin, verdict] of Object.entries(verdicts))
      expect([origin, await handshake({ origin })]).toEqual([origin, verdict]);
    expect(await handshake({})).toBe(101);
  });

  it('may be any port of localhost outside production', async () => {
    server = await startServer();
    for (const origin of ['http://localhost:5173', 'https://127.0.0.1:1', 'http://[::1]:8080', 'http://app.localhost'])
      expect([origin, await handshake({ origin })]).toEqual([origin, 101]);
    expect(await handshake({ origin: 'http://localhost.evil.test' })).toBe(FORBIDDEN);
  });

  it('is compared with ALLOWED_HOSTS, against DNS rebinding', async () => {
    server = await startServer({ ALLOWED_HOSTS: 'example.com' });
    expect(await handshake({ host: 'rebound.test', origin: 'http://rebound.test' })).toBe(FORBIDDEN);
    expect(await handshake({ host: 'example.com', origin: 'http://example.com' })).toBe(101);
    expect(await handshake({ host: 'EXAMPLE.com:8080', origin: 'http://example.com:8080' })).toBe(101);
  });

  it('is checked after the form of the handshake', async () => {
    server = await startServer();
    const { status } = await ask(server.url.replace('ws:', 'http:'), {
      headers: { ...HANDSHAKE, 'Sec-WebSocket-Key': 'no', origin: 'https://evil.test' },
    });
    expect(status).toBe(400);
  });

  it('may not be "*" in production without ALLOW_ANY_ORIGIN', async () => {
    const variables = { NODE_ENV: 'production', ALLOWED_ORIGINS: '*', PORT: '0', LOG_LEVEL: 'error' };
    await expect(createApp({ variables })).rejects.toThrow(/ALLOWED_ORIGINS .*ALLOW_ANY_ORIGIN=yes/);
    server = await startServer({ ...variables, ALLOW_ANY_ORIGIN: 'yes' });
    expect(await handshake({ origin: 'https://evil.test' })).toBe(101);
  });
});

/** Connects with these headers and returns the client address that the server sees. */
async function seenFrom(headers: Record<string, string | string[]>): Promise<string | undefined> {
  // The type of ws has no lists of lines, which Node sends as they are.
  const client = await connect(server!.url, { headers: headers as Record<string, string> });
  const address = server!.app.get(SessionRegistry, { strict: false }).find(client.id)?.address;
  await client.close(1000);
  return address;
}

describe('the protocol of a client', () => {
  /** Connects from a page served over plain HTTP, which is another origin where the client uses TLS. */
  const fromPlainPage = (headers: Record<string, string>): Promise<number | string> =>
    handshake({ origin: 'http://own.test', host: 'own.test', ...headers });

  it.each<Record<string, string>>([
    { 'x-forwarded-proto': 'https' },
    { 'x-forwarded-proto': 'wss' },
    { 'x-forwarded-proto': 'HTTPS, http' },
    { forwarded: 'for=1.2.3.4;proto=https' },
  ])('is TLS by %j of a named proxy, and of no other', async (headers) => {
    server = await startServer({ FRONT_PROXIES: '127.0.0.1' });
    expect(await fromPlainPage(headers)).toBe(FORBIDDEN);
    expect(await fromPlainPage({ 'x-forwarded-proto': 'http' })).toBe(101);
    await server.stop();
    server = await startServer({ FRONT_PROXIES: '10.0.0.1' });
    expect(await fromPlainPage(headers)).toBe(101);
  });
});

describe('the address of a client', () => {
  it('is the address of the connection, and no header changes it', async () => {
    server = await startServer();
    expect(await seenFrom({ 'x-forwarded-for': '1.2.3.4', 'x-real-ip': '1.2.3.4', forwarded: 'for=1.2.3.4' })).toBe(
      '127.0.0.1',
    );
  });

  it('is the last hop that is not a trusted proxy', async () => {
    server = await startServer({ FRONT_PROXIES: '127.0.0.0/8 10.0.0.0/8' });
    expect(await seenFrom({ 'x-forwarded-for': '6.6.6.6, 1.2.3.4, 10.1.1.1' })).toBe('1.2.3.4');
    expect(await seenFrom({ 'x-forwarded-for': '::ffff:1.2.3.4' })).toBe('1.2.3.4');
    expect(await seenFrom({ 'x-forwarded-for': 'nonsense' })).toBe('127.0.0.1');
    expect(await seenFrom({ 'x-real-ip': '2001:db8::1' })).toBe('2001:db8::1');
  });

  it('is taken from a proxy only with the secret written at the first start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-secret-'));
    const file = join(folder, 'deep/secret');
    server = await startServer({ FRONT_PROXIES: '127.0.0.1', PROXY_SECRET_FILE: file });
    const secret = await readFile(file, 'utf8');
    expect({ mode: (await stat(file)).mode & 0o777, length: secret.length }).toEqual({ mode: 0o600, length: 64 });
    const forwarded = { 'x-forwarded-for': '1.2.3.4' };
    expect(await seenFrom(forwarded)).toBe('127.0.0.1');
    expect(await seenFrom({ ...forwarded, 'x-proxy-secret': 'wrong' })).toBe('127.0.0.1');
    expect(await seenFrom({ ...forwarded, 'x-proxy-secret': secret })).toBe('1.2.3.4');
    await server.stop();
    server = await startServer({ FRONT_PROXIES: '127.0.0.1', PROXY_SECRET_FILE: file });
    expect(await seenFrom({ ...forwarded, 'x-proxy-secret': secret })).toBe('1.2.3.4');
    await rm(folder, { recursive: true });
  });

  it.each(['::ffff:7f00:1', '::FFFF:127.0.0.1', '0:0:0:0:0:ffff:7f00:1', '0000:0000:0000:0000:0000:FFFF:7F00:0001'])(
    'is the IPv4 address of %s, however the mapped address is spelt',
    async (address) => {
      expect(rateLimitKey(address)).toBe('127.0.0.1');
      server = await startServer({ FRONT_PROXIES: '10.0.0.0/8 127.0.0.1' });
      expect(await seenFrom({ 'x-real-ip': address })).toBe('127.0.0.1');
      const hex = '::ffff:a01:101'; // 10.1.1.1
      expect(await seenFrom({ 'x-forwarded-for': `1.2.3.4, ${hex}, ${address}` })).toBe('1.2.3.4');
    },
  );

  it('has one spelling, so that a proxy cannot make two addresses of one', async () => {
    server = await startServer({ FRONT_PROXIES: '127.0.0.1' });
    for (const address of ['2001:DB8:0:0::1', '2001:db8::1', '2001:0db8:0000:0000:0000:0000:0000:0001'])
      expect(await seenFrom({ 'x-real-ip': address })).toBe('2001:db8::1');
  });

  it('is read from several lines of a header as from one list', async () => {
    server = await startServer({ FRONT_PROXIES: '127.0.0.1 10.0.0.0/8' });
    expect(await seenFrom({ 'x-forwarded-for': ['6.6.6.6, 1.2.3.4', '10.0.0.2'] })).toBe('1.2.3.4');
    expect(await seenFrom({ forwarded: ['for=6.6.6.6', 'for=1.2.3.4, for=10.0.0.2'] })).toBe('1.2.3.4');
  });

  it('is read by Forwarded and with ports, too', async () => {
    server = await startServer({ FRONT_PROXIES: '127.0.0.1 2001:db8:ffff::/48' });
    expect(await seenFrom({ forwarded: 'for=6.6.6.6, for="[2001:db8::7]:80";proto=https' })).toBe('2001:db8::7');
    expect(await seenFrom({ 'x-forwarded-for': '1.2.3.4:567, [2001:db8:ffff::2]:80' })).toBe('1.2.3.4');
  });

  it('is not read from IPv4 proxies by an IPv6 network that contains all mapped addresses', async () => {
    server = await startServer({ FRONT_PROXIES: '::/0' });
    expect(await seenFrom({ 'x-forwarded-for': '1.2.3.4' })).toBe('127.0.0.1');
  });

  it('is read from a proxy that shows the secret, whether or not it is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-secret-'));
    const file = join(folder, 'secret');
    const secret = 'Zm9v+YmFy/MTIz-NDU2_Nzg5MDEyMzQ1Njc4OTAx=';
    await writeFile(file, `${secret}\r\n`);
    server = await startServer({ PROXY_SECRET_FILE: file });
    expect(await seenFrom({ 'x-forwarded-for': '1.2.3.4', 'x-proxy-secret': secret })).toBe('1.2.3.4');
    expect(await seenFrom({ 'x-forwarded-for': '1.2.3.4' })).toBe('127.0.0.1');
    await rm(folder, { recursive: true });
  });

  it.each(["a'b", 'a"b', 'a$b', 'a b', 'a;b', 'a{b', 'a}b', 'a\\b', 'a\nb', 'ä'])(
    'ends the start where the secret contains a character that nginx may read otherwise: %j',
    async (part) => {
      const folder = await mkdtemp(join(tmpdir(), 'switchboard-secret-'));
      const file = join(folder, 'secret');
      await writeFile(file, part + 'x'.repeat(40));
      await expect(startServer({ PROXY_SECRET_FILE: file })).rejects.toThrow(/PROXY_SECRET_FILE .* 32 to 512 letters/);
      await rm(folder, { recursive: true });
    },
  );

  it('counts as its /64 network in limits if it is IPv6', () => {
    expect(['2001:db8::1', '2001:db8:0:0:ffff::', '2001:db8:0:1::1', '1.2.3.4'].map(rateLimitKey)).toEqual([
      '2001:db8:0:0',
      '2001:db8:0:0',
      '2001:db8:0:1',
      '1.2.3.4',
    ]);
  });
});
