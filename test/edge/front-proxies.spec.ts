import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask, type Answer } from '../support/ask.js';
import { connect } from '../support/client.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

const SECRET = 'c2VjcmV0+of/the-proxy_between~them|both=';
const NAMED = { FRONT_PROXIES: '127.0.0.0/8, 10.0.0.0/8 2001:db8:ffff::/48' };

let upstream: Server;
/** Headers of the last request that reached the application. */
let seen: IncomingHttpHeaders | undefined;
let nginx: Nginx | undefined;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    seen = request.headers;
    response.end('served');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});
afterAll(() => {
  upstream.close();
});
afterEach(async () => {
  await nginx?.stop();
  nginx = undefined;
  seen = undefined;
});

async function start(variables: Record<string, string>): Promise<void> {
  nginx = await startNginx({ appPort: (upstream.address() as AddressInfo).port, variables });
}

/** Sends a request to the TLS port as a balancer does. */
async function overTls(headers: Record<string, string>, path = '/', proxy = nginx!): Promise<Answer> {
  return ask(`https://localhost:${proxy.httpsPort}${path}`, { ca: await readFile(proxy.caFile, 'utf8'), headers });
}

/** Sends a request to the plain port as a balancer does. */
function plain(headers: Record<string, string> = {}, path = '/a?b=c'): Promise<Answer> {
  return ask(`http://localhost:${nginx!.httpPort}${path}`, { headers });
}

const redirected = (path = '/a?b=c'): object => ({
  status: 307,
  headers: { location: `https://localhost:${nginx!.httpsPort}${path}` },
});
const UNNAMED = { status: 400, body: expect.stringMatching(/"bad_handshake".*FRONT_PROXIES/) as string };

describe('nginx behind a balancer of FRONT_PROXIES', () => {
  let shared: Nginx;
  beforeAll(async () => {
    await start(NAMED);
    [shared, nginx] = [nginx!, undefined];
  });
  afterAll(() => shared?.stop());

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['6.6.6.6, 203.0.113.7, 10.1.1.1:80, [2001:db8:ffff::1]:443', '203.0.113.7'],
    ['203.0.113.7, nonsense, 10.1.1.1', '10.1.1.1'],
    ['203.0.113.7, unknown', '127.0.0.1'],
    ['10.1.1.1, 10.1.1.2', '10.1.1.1'],
  ])('passes on the client of X-Forwarded-For: %s', async (list, address) => {
    const others = { 'X-Real-IP': '6.6.6.6', Forwarded: 'for=6.6.6.6' };
    expect((await overTls({ 'X-Forwarded-For': list, ...others }, '/', shared)).status).toBe(200);
    expect(seen).toMatchObject({ 'x-forwarded-for': address, 'x-real-ip': address, 'x-forwarded-proto': 'https' });
    expect(seen).not.toHaveProperty('forwarded');
  });

  it.each([
    ['https', 'https'],
    ['WSS', 'https'],
    ['http', 'http'],
    ['ws', 'http'],
    ['http, https', 'http'],
    ['gopher', 'https'],
    ['httpx', 'https'],
  ])('passes on the protocol of X-Forwarded-Proto: %s', async (protocol, passed) => {
    await overTls({ 'X-Forwarded-Proto': protocol }, '/', shared);
    expect(seen).toMatchObject({ 'x-forwarded-proto': passed });
  });

  it('trusts no header of a sender that is not named', async () => {
    await start({ FRONT_PROXIES: '10.0.0.0/8' });
    await overTls({ 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'http' });
    expect(seen).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' });
  });

  it('answers its health checks without TLS, and redirects every other path', async () => {
    await start({ ...NAMED, HTTP_BASE: '/b.c' });
    expect(await plain({}, '/b.c/health/ready')).toMatchObject({ status: 200, body: 'served' });
    for (const path of ['/b.c/healthy', '/bxc/health/ready', '/health/ready', '/b.c/health/../wss'])
      expect(await plain({}, path)).toMatchObject({ status: 307 });
    expect(await plain()).toMatchObject(redirected());
  });

  it('answers 400 where a balancer has ended TLS and is not named, in place of redirects without end', async () => {
    await start({});
    for (const protocol of ['https', 'wss', 'https, http'])
      expect(await plain({ 'X-Forwarded-Proto': protocol })).toMatchObject(UNNAMED);
    for (const path of ['/health/ready', '/error.json', '/tls-ended.json'])
      expect((await plain({}, path)).status).not.toBe(200);
    expect(await plain({ 'X-Forwarded-Proto': 'http' })).toMatchObject(redirected());
  });

  it('answers 400 where a named balancer has ended TLS and TLS_AT does not say so', async () => {
    await start(NAMED);
    for (const protocol of ['https', 'wss', 'https, http'])
      expect(await plain({ 'X-Forwarded-Proto': protocol })).toMatchObject({
        status: 400,
        body: expect.stringMatching(/"bad_handshake".*set TLS_AT=balancer\./) as string,
      });
    expect((await plain({ 'X-Forwarded-Proto': 'https' }, '/health/ready')).status).toBe(200);
    for (const headers of [{}, { 'X-Forwarded-Proto': 'http' }, { 'X-Forwarded-Proto': 'httpsx' }])
      expect(await plain(headers)).toMatchObject(redirected());
  });

  it('answers a malformed request on the plain port with JSON', async () => {
    await start({ ...NAMED, TLS_AT: 'balancer' });
    for (const headers of [{}, { 'X-Forwarded-Proto': 'http' }])
      expect(await plain({ Host: 'no host', ...headers })).toMatchObject({
        status: 400,
        body: expect.stringContaining('"bad_handshake"') as string,
      });
  });
});

describe('nginx with TLS_AT=balancer', () => {
  it('serves on the plain port what a named balancer has decrypted, as https', async () => {
    await start({ ...NAMED, TLS_AT: 'balancer' });
    for (const headers of [{}, { 'X-Forwarded-Proto': 'https' }, { 'X-Forwarded-Proto': 'wss' }]) {
      const answer = await plain({ 'X-Forwarded-For': '203.0.113.7', ...headers });
      expect(answer).toMatchObject({ status: 200, body: 'served' });
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
      expect(seen).toMatchObject({ 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' });
    }
    expect((await overTls({})).status).toBe(200);
    expect((await plain({}, '/metrics')).status).toBe(404);
  });

  it('redirects a client that used no TLS to the balancer', async () => {
    await start({ ...NAMED, TLS_AT: 'balancer' });
    for (const protocol of ['http', 'ws'])
      expect(await plain({ 'X-Forwarded-Proto': protocol })).toMatchObject(redirected());
    expect((await plain({ 'X-Forwarded-Proto': 'http' }, '/health/ready')).status).toBe(200);
  });

  it('serves no sender that is not named', async () => {
    await start({ FRONT_PROXIES: '10.0.0.0/8', TLS_AT: 'balancer' });
    expect(await plain()).toMatchObject(redirected());
    expect(await plain({}, '/health/ready')).toMatchObject({ status: 307 });
    expect(await plain({ 'X-Forwarded-Proto': 'https' })).toMatchObject(UNNAMED);
    expect(seen).toBeUndefined();
  });

  it('trusts no header that a client sends through a balancer with the PROXY protocol', async () => {
    await start({ ...NAMED, TLS_AT: 'balancer', PROXY_PROTOCOL: 'on' });
    const tcp = connectTcp(nginx!.httpPort, '127.0.0.1');
    tcp.write(
      'PROXY TCP4 203.0.113.7 127.0.0.1 5000 443\r\nGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n' +
        'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: http\r\n\r\n',
    );
    expect(await text(tcp)).toContain('200 OK');
    expect(seen).toMatchObject({ 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' });
  });

  it('opens sessions under the addresses of the clients, from pages of the public origin', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-secret-'));
    await writeFile(join(folder, 'secret'), SECRET);
    let server: TestServer | undefined;
    try {
      server = await startServer({ NODE_ENV: 'production', PROXY_SECRET_FILE: join(folder, 'secret') });
      nginx = await startNginx({
        appPort: server.port,
        proxySecret: SECRET,
        variables: { ...NAMED, TLS_AT: 'balancer' },
      });
      const origin = 'https://chat.example.com';
      const headers = {
        'X-Forwarded-For': '[2001:db8::7]:4711',
        'X-Forwarded-Proto': 'https',
        Host: 'chat.example.com',
      };
      const url = `ws://localhost:${nginx.httpPort}/wss`;
      const client = await connect(url, { headers: { ...headers, Origin: origin } });
      const session = server.app.get(SessionRegistry, { strict: false }).find(client.id);
      expect(session?.address).toBe('2001:db8::7');
      await client.close(1000);
      await expect(connect(url, { headers: { ...headers, Origin: 'http://chat.example.com' } })).rejects.toThrow('403');
    } finally {
      await server?.stop();
      await rm(folder, { recursive: true });
    }
  });
});
