import { on, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, HANDSHAKE, type Answer } from './support/ask.js';
import { connect } from './support/client.js';
import { startNginx, type Nginx } from './support/nginx.js';
import { freePorts } from './support/ports.js';
import { startServer } from './support/server.js';

type Server = Awaited<ReturnType<typeof startServer>>;

/** nginx closes a connection after 3 s without a byte; the application pings three times in that time. */
const HEARTBEAT_MS = 1000;

describe('nginx in front of the application', () => {
  let server: Server;
  let nginx: Nginx;
  let ca: string;
  let origin: string;

  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: String(HEARTBEAT_MS) });
    nginx = await startNginx({ appPort: server.port, variables: { HEARTBEAT_MS: String(HEARTBEAT_MS) } });
    ca = await readFile(nginx.caFile, 'utf8');
    origin = `https://localhost:${nginx.httpsPort}`;
  });
  afterAll(async () => {
    await nginx?.stop();
    await server?.stop();
  });

  it('exchanges messages over wss and delivers the departure notice', async () => {
    const [ann, bob] = await Promise.all([connect(nginx.url, { ca }), connect(nginx.url, { ca })]);
    ann.send({ type: 'offer', receiver: bob.id, data: { text: 'grüße' }, id: '1' });
    expect(await bob.next('offer')).toMatchObject({ sender: ann.id, receiver: bob.id, data: { text: 'grüße' } });
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1' });
    await bob.close(1000);
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 1000 } });
    await ann.close();
  });

  it('accepts a trailing slash, a query and the subprotocol', async () => {
    const client = await connect(`${nginx.url}/?x=1`, { ca, protocols: ['switchboard.v1'] });
    expect(client.socket.protocol).toBe('switchboard.v1');
    await client.close();
  });

  it('notifies the others when a connection is cut', async () => {
    const [ann, bob] = await Promise.all([connect(nginx.url, { ca }), connect(nginx.url, { ca })]);
    bob.terminate();
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 1006 } });
    await ann.close();
  });

  it('keeps a silent session beyond its idle timeout, because of the heartbeat', async () => {
    const client = await connect(nginx.url, { ca });
    let pings = 0;
    for await (const _ of on(client.socket, 'ping')) if (++pings === 4) break;
    client.send({ type: 'sys.ping', data: 'still here' });
    expect(await client.next('sys.pong')).toMatchObject({ data: 'still here' });
    await client.close();
  });

  it('redirects plain HTTP to https, the query included', async () => {
    const { status, headers } = await ask(`http://localhost:${nginx.httpPort}/wss?x=1`);
    expect({ status, location: headers.location }).toEqual({ status: 307, location: `${origin}/wss?x=1` });
  });

  it('redirects plain HTTP on the TLS port to https', async () => {
    const { status, headers } = await ask(`http://localhost:${nginx.httpsPort}/wss`);
    expect({ status, location: headers.location }).toEqual({ status: 307, location: `${origin}/wss` });
  });

  it.each([
    ['a plain GET on the path', '/wss', {}, 426],
    ['another version of WebSocket', '/wss', { headers: { ...HANDSHAKE, 'Sec-WebSocket-Version': '8' } }, 426],
    ['a bad key', '/wss', { headers: { ...HANDSHAKE, 'Sec-WebSocket-Key': 'short' } }, 400],
    ['an upgrade on another path', '/else', { headers: HANDSHAKE }, 404],
    ['another method', '/wss', { method: 'PUT' }, 405],
    ['the health of the node', '/health/ready', {}, 200],
  ])('passes the answer to %s on unchanged', async (_, path, options, status) => {
    const direct = await ask(`http://127.0.0.1:${server.port}${path}`, options);
    const proxied = await ask(origin + path, { ...options, ca });
    expect(proxied).toMatchObject({ status, body: direct.body });
    expect(proxied.headers['content-type']).toBe(direct.headers['content-type']);
    expect(proxied.headers['sec-websocket-version']).toBe(direct.headers['sec-websocket-version']);
  });

  it.each(['/metrics', '/METRICS/', '/%6detrics?x', '//metrics'])('hides %s from outside', async (path) => {
    const { status, body } = await ask(origin + path, { ca });
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'not_found' } });
  });

  it('answers a malformed request with JSON', async () => {
    const { status, body } = await ask(`${origin}/wss`, { ca, servername: 'localhost', headers: { Host: 'no host' } });
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'bad_handshake' } });
  });

  it('does not disclose its version', async () => {
    expect((await ask(`${origin}/metrics`, { ca })).headers.server).toBe('nginx');
  });

  it.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])('accepts %s', async (version) => {
    const socket = connectTls({ port: nginx.httpsPort, ca, servername: 'localhost', ...only(version) });
    await once(socket, 'secureConnect');
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  });

  it('rejects TLS 1.1', async () => {
    const socket = connectTls({ port: nginx.httpsPort, ca, servername: 'localhost', ...only('TLSv1.1') });
    await expect(once(socket, 'secureConnect')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  it.each(['localhost', '127.0.0.1'])('has a certificate that is valid for %s', async (host) => {
    expect((await ask(`https://${host}:${nginx.httpsPort}/health/live`, { ca })).status).toBe(200);
  });
});

describe('nginx', () => {
  it('closes a connection that is silent beyond its idle timeout', async () => {
    const server = await startServer();
    const nginx = await startNginx({ appPort: server.port, variables: { IDLE_TIMEOUT: '200ms' } });
    const client = await connect(nginx.url, { ca: await readFile(nginx.caFile) });
    expect(await client.closed).toMatchObject({ code: 1006 });
    await nginx.stop();
    await server.stop();
  });

  it('keeps open sessions after a reload, for RELOAD_GRACE_SECONDS', async () => {
    const server = await startServer();
    const nginx = await startNginx({ appPort: server.port, variables: { RELOAD_GRACE_SECONDS: '1' } });
    const ca = await readFile(nginx.caFile);
    const before = await connect(nginx.url, { ca });
    process.kill(nginx.process.pid, 'SIGHUP');
    await before.settled();
    expect(await before.closed).toMatchObject({ code: 1006 });
    await (await connect(nginx.url, { ca })).close(1000);
    await nginx.stop();
    await server.stop();
  });

  it('overwrites address headers of a client, and passes the host with its port', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const upstream = createServer((request, response) => {
      seen.push(request.headers);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const nginx = await startNginx({ appPort: (upstream.address() as AddressInfo).port });
    const forged = {
      'X-Real-IP': '1.2.3.4',
      'X-Forwarded-For': '1.2.3.4, 5.6.7.8',
      'X-Forwarded-Proto': 'gopher',
      'X-Forwarded-Host': 'evil.example',
      Forwarded: 'for=1.2.3.4',
    };
    for (const path of ['/wss', '/']) {
      await ask(`https://localhost:${nginx.httpsPort}${path}`, {
        ca: await readFile(nginx.caFile, 'utf8'),
        headers: forged,
      });
      const headers = seen.pop();
      expect(headers).toMatchObject({
        host: `localhost:${nginx.httpsPort}`,
        'x-real-ip': '127.0.0.1',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': `localhost:${nginx.httpsPort}`,
      });
      expect(headers).not.toHaveProperty('forwarded');
    }
    await nginx.stop();
    upstream.close();
  });

  it('limits handshakes of an address before the application sees them', async () => {
    const server = await startServer();
    const nginx = await startNginx({ appPort: server.port });
    const agent = new Agent({ keepAlive: true, maxSockets: 8, ca: await readFile(nginx.caFile, 'utf8') });
    const url = nginx.url.replace('wss:', 'https:');
    // The limit is 50 a second with a burst of 200; any machine sends more.
    let refused: Answer | undefined;
    while (refused === undefined) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(url, { agent })));
      refused = answers.find(({ status }) => status !== 426);
    }
    const { status, headers, body } = refused;
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({
      status: 429,
      error: { code: 'too_many_connections' },
    });
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '1' });
    const lines = await nginx.accessLog();
    expect(lines.find((line) => line['status'] === 429)).toMatchObject({ upstream: '' });
    agent.destroy();
    await nginx.stop();
    await server.stop();
  });

  it('answers 503 while the application is down, and keeps queries out of every log', async () => {
    const [unusedPort] = await freePorts();
    const nginx = await startNginx({ appPort: unusedPort });
    const url = `https://localhost:${nginx.httpsPort}/wss?token=secret`;
    const options = { ca: await readFile(nginx.caFile, 'utf8'), headers: { ...HANDSHAKE, Referer: url } };
    const { status, headers, body } = await ask(url, options);
    expect(status).toBe(503);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '2' });
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'unavailable' } });

    // A worker logs a request before it answers the next.
    await ask(url, options);
    const [line] = await nginx.accessLog();
    expect(line).toMatchObject({ path: '/wss', status: 503, upstreamStatus: '502', address: '127.0.0.1' });
    expect(await nginx.logs()).not.toContain('secret');
    await nginx.stop();
  });
});

/** Restricts TLS to one version; OpenSSL offers old versions only at a lower security level. */
function only(version: SecureVersion): object {
  return { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
}
