import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeAddress } from '../../src/gateway/returns/node-address.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { Cluster } from '../support/cluster.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { keepLogLines } from '../support/log-lines.js';
import { freePorts } from '../support/ports.js';
import { exchange, request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { Roamer } from '../support/roamer.js';
import { startServer, type TestServer } from '../support/server.js';

const SETTINGS = { ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: '0', LOG_LEVEL: 'warn' };

/** Milliseconds after which a pass is late. */
const PROMPT_MS = 1000;

describe('a pass that reaches its node late', () => {
  const lines = keepLogLines();
  let cluster: Cluster;
  let proxy: FaultProxy;
  let home: TestServer;
  let ann: Roamer;
  let late: Roamer;

  beforeEach(async () => {
    const [port] = await freePorts();
    proxy = await FaultProxy.start(port);
    cluster = await Cluster.start(1, SETTINGS);
    home = await cluster.add({ PORT: String(port), NODE_ADDRESS: `127.0.0.1:${proxy.port}` });
    await cluster.settled();
    [ann, late] = [new Roamer(), new Roamer()];
    await ann.open({ url: home.url });
    proxy.stall();
  });
  afterEach(async () => {
    for (const client of [ann, late]) client.close();
    await cluster.stop();
    await proxy.stop();
  });

  /** Returns by way of the other node, in the meantime visits the node that has given the pass, and expects a refusal. */
  async function returnLate(visit: () => Promise<void> | void): Promise<void> {
    const returning = late.open({ url: cluster.url(0) }, `resume.${ann.token}.0`).catch(String);
    await expect.poll(() => proxy.connections, { interval: 5 }).toBe(1);
    await visit();
    proxy.enable();
    expect(await returning).toContain('503');
  }

  const warnings = (): readonly string[] => lines.filter((line) => line.includes('NODE_ADDRESS'));

  it('does not take the session from a later connection, whose client has sent nothing yet', async () => {
    const { id } = ann;
    const startMs = performance.now(); // the pass is given within a second from now
    await returnLate(async () => {
      await ann.return({ url: home.url });
      await expect.poll(() => performance.now()).toBeGreaterThan(startMs + 2 * PROMPT_MS);
    });
    expect([ann.id, home.app.get(SessionRegistry).find(id)?.state]).toEqual([id, 'open']);
    ann.send({ type: 'note', receiver: id, id: 'undisturbed' });
    expect((await ann.answer('undisturbed')).data).toEqual({ status: 'routed' });
  });

  it('is answered 503 where the session has ended, and no address of the node is in question', async () => {
    await returnLate(() => home.app.get(SessionRegistry).find(ann.id)!.close(4000));
    expect(warnings()).toEqual([]);
  });
});

describe('the first address of a node', () => {
  const lines = keepLogLines();
  let cluster: Cluster;
  let folder: string;
  let server: Server;

  beforeEach(async () => {
    cluster = await Cluster.start(2, SETTINGS);
    await cluster.settled();
    folder = await mkdtemp(join(tmpdir(), 'switchboard-address-'));
  });
  afterEach(async () => {
    await cluster.stop();
    server.close();
    await rm(folder, { recursive: true });
  });

  /** Opens a session on a node, and returns by way of the other one. The first address answers each request with a status. */
  async function returning(status: string): Promise<Roamer> {
    const path = join(folder, 'a.sock');
    server = createServer((socket) => socket.once('data', () => socket.end(`HTTP/1.1 ${status}\r\n\r\n`)));
    await once(server.listen(path), 'listening');
    cluster.nodes[1]!.app.get(NodeAddress).unixPath = path;
    const client = new Roamer();
    await client.open({ url: cluster.url(1) });
    await client.return({ url: cluster.url(0) });
    return client;
  }

  it('is the last one that is tried where the node answers 503 there', async () => {
    await expect(returning('503 Service Unavailable')).rejects.toThrow('503');
    expect(lines.filter((line) => line.includes('NODE_ADDRESS'))).toEqual([]);
  });

  it('is followed by the next one where another server answers there', async () => {
    const client = await returning('400 Bad Request');
    expect(client.returns).toBe(1);
    client.close();
  });
});

describe('a forged pass', () => {
  it('counts to the rate of its address', async () => {
    const server = await startServer({ HANDSHAKES_PER_SECOND: '1' });
    const forged = request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, 'Switchboard-Pass: FORGED']);
    const statuses: number[] = [];
    for (let count = 0; count < 20; count++) statuses.push((await exchange(server.port, forged)).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([400, 429]);
    await server.stop();
  });
});
