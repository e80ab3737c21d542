import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, HANDSHAKE, type Answer } from '../support/ask.js';
import { startCaddy } from '../support/caddy.js';
import { connect, type Client } from '../support/client.js';
import type { Front } from '../support/front.js';
import { startHaproxy } from '../support/haproxy.js';
import { startServer, type TestServer } from '../support/server.js';

/** A port of 127.0.0.1 that nobody listens on. */
const NOBODY = '127.0.0.1:1';
const SLOW_DRAIN = { DRAIN_TIMEOUT_MS: '30000' };

let servers: TestServer[] = [];
let front: Front | undefined;
afterEach(async () => {
  await front?.stop();
  await Promise.all(servers.map((server) => server.stop()));
  [front, servers] = [undefined, []];
});

/** Starts a node that believes the proxies of this machine. Returns its address for the proxy. */
async function startNode(variables: Record<string, string> = {}): Promise<string> {
  const server = await startServer({ FRONT_PROXIES: '127.0.0.1', ...variables });
  servers.push(server);
  return `127.0.0.1:${server.port}`;
}

async function open(): Promise<Client> {
  return connect(front!.url, { ca: await readFile(front!.caFile, 'utf8') });
}

/** Sends a request to the proxy; returns its answer, with the code in the JSON body. */
async function request(path: string, headers: Record<string, string> = {}): Promise<Answer & { code: string }> {
  const ca = await readFile(front!.caFile, 'utf8');
  const answer = await ask(new URL(path, front!.url.replace('wss:', 'https:')).href, {
    ca,
    headers,
    servername: 'localhost',
  });
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  return { ...answer, code: (JSON.parse(answer.body) as { error: { code: string } }).error.code };
}

/** Returns the part of a session id that stands for the node. */
const nodeOf = ({ id }: Client): string => id.split('.')[0]!;

const FRONTS = { HAProxy: startHaproxy, Caddy: startCaddy };

describe.each(['HAProxy', 'Caddy'] as const)('%s, as docs/fronts.md configures it,', (name) => {
  it('answers 503 with JSON and Retry-After while it cannot reach the application', async () => {
    front = await FRONTS[name]([NOBODY]);
    expect(await request('/wss', HANDSHAKE)).toMatchObject({
      status: 503,
      code: 'unavailable',
      headers: { 'retry-after': '1' },
    });
  });

  it('passes on the answers of the application unchanged', async () => {
    front = await FRONTS[name]([await startNode()]);
    expect(await request('/nowhere', HANDSHAKE)).toMatchObject({ status: 404, code: 'not_found' });
    expect(await request('/wss', { ...HANDSHAKE, origin: 'https://evil.test' })).toMatchObject({ status: 403 });
  });

  it('overwrites or removes the headers of clients that the application trusts', async () => {
    let seen: IncomingHttpHeaders = {};
    const upstream = createServer(({ headers }, response) => {
      seen = headers;
      response.setHeader('content-type', 'application/json').end('{"error":{}}');
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    front = await FRONTS[name]([`127.0.0.1:${(upstream.address() as AddressInfo).port}`]);
    const forged = { 'X-Forwarded-For': '6.6.6.6', 'X-Forwarded-Proto': 'http', 'X-Client-Certificate': 'forged' };
    await request('/', { ...forged, Host: 'chat.example.com' });
    expect(seen).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      host: 'chat.example.com',
    });
    expect(seen).not.toHaveProperty('x-client-certificate');
    upstream.close();
  });

  it('serves health checks and no metrics', async () => {
    front = await FRONTS[name]([await startNode()]);
    const ca = await readFile(front.caFile, 'utf8');
    const health = await ask(new URL('/health/ready', front.url.replace('wss:', 'https:')).href, { ca });
    expect(health.status).toBe(200);
    for (const path of ['/metrics', '/METRICS', '/metrics/'])
      expect(await request(path)).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('connects clients to the other node while one drains', async () => {
    front = await FRONTS[name]([await startNode(SLOW_DRAIN), await startNode(SLOW_DRAIN)]);
    const [draining, other] = servers as [TestServer, TestServer];
    const node = nodeOf(await other.connect());
    let leaving = await open();
    while (nodeOf(leaving) === node) leaving = await open();
    leaving.socket.pause(); // holds the drain up, because the close frame is not answered
    const stopped = draining.stop();
    const nodes = () => Promise.all(Array.from({ length: 6 }, () => open().then(nodeOf, () => 'refused')));
    // Caddy finds out by its next health check; HAProxy asks the other node at once.
    if (name === 'Caddy') await expect.poll(nodes, { interval: 500 }).not.toContain('refused');
    expect(await nodes()).toEqual(Array(6).fill(node));
    leaving.socket.resume();
    expect(await leaving.closed).toEqual({ code: 1012, reason: 'service_restart' });
    await stopped;
  });
});

describe('HAProxy', () => {
  it('keeps a silent session beyond timeout tunnel, because of the heartbeat', async () => {
    front = await startHaproxy([await startNode({ HEARTBEAT_MS: '1000' })], '3s');
    const client = await open();
    for (let pings = 0; pings < 5; pings++) await once(client.socket, 'ping');
    await client.settled();
    await client.close(1000);
  });

  it('ends a session that is silent for longer than timeout tunnel', async () => {
    front = await startHaproxy([await startNode()], '500ms');
    const client = await open();
    expect(await client.closed).toMatchObject({ code: 1006 });
  });

  it('keeps sessions in a reload', async () => {
    front = await startHaproxy([await startNode()]);
    const before = await open();
    const reloaded = (): string => {
      process.kill(front!.process.pid, 'SIGUSR2');
      return front!.process.stderr;
    };
    // Again and again, because HAProxy loses a signal while it starts.
    await expect.poll(reloaded, { interval: 1000 }).toMatch(/(Loading success[^]*){2}/);
    const after = await open();
    before.send({ type: 'chat', receiver: after.id, data: 1 });
    expect(await after.next('chat')).toMatchObject({ sender: before.id });
    await Promise.all([before.close(1000), after.close(1000)]);
  });
});

describe('Caddy', () => {
  it('closes sessions with 1001 in a reload, and clients can connect at once', async () => {
    const caddy = await startCaddy([await startNode()]);
    front = caddy;
    const before = await open();
    await caddy.reload();
    expect(await before.closed).toMatchObject({ code: 1001 });
    await (await open()).close(1000);
  });
});
