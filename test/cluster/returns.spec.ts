import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { Counters } from '../../src/telemetry/counters.js';
import { connect, type Client, type Received } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { freePorts } from '../support/ports.js';
import { exchange, request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { Roamer } from '../support/roamer.js';
import { SilentPort } from '../support/silent-port.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const SETTINGS = { ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: '0' };

/** The outcomes of returns by way of a node, and the connections that it pipes now. */
function pipesOf(cluster: Cluster, index: number): { readonly pipes: number; readonly piped: number } {
  const { pipes, remoteReturns } = cluster.nodes[index]!.app.get(Counters);
  return { pipes, piped: remoteReturns.get('piped') ?? 0 };
}

/** Waits until a session has no connection. */
async function untilAway(cluster: Cluster, index: number, id: string): Promise<void> {
  const sessions = cluster.nodes[index]!.app.get(SessionRegistry);
  await expect.poll(() => sessions.find(id)?.state, { interval: 5 }).toBe('away');
}

/** Waits until no node pipes a connection. */
async function untilNoPipes(cluster: Cluster): Promise<void> {
  for (const index of cluster.nodes.keys()) await expect.poll(() => pipesOf(cluster, index).pipes).toBe(0);
}

describe('a client that returns by way of another node', () => {
  let cluster: Cluster;
  let ann: Roamer;
  let bob: Client;

  beforeAll(async () => {
    cluster = await Cluster.start(3, { ...SETTINGS, AUTH: 'optional', AUTH_SECRET: AUTH.AUTH_SECRET });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    ann = new Roamer();
    await ann.open({ url: cluster.url(0) });
    bob = await connect(cluster.url(2));
    await cluster.settled();
  });
  afterEach(async () => {
    ann.close();
    await bob.close(1000);
    await untilNoPipes(cluster);
  });

  const sendToAnn = async (id: string): Promise<unknown> => {
    bob.send({ type: 'chat', receiver: ann.id, id });
    return ((await bob.answer(id)).data as { status: string }).status;
  };

  it('has its session, its messages and its counts', async () => {
    const { id } = ann;
    const { piped } = pipesOf(cluster, 1);
    expect(await sendToAnn('before')).toBe('routed');
    await ann.next('chat');
    ann.cut();
    ann.send({ type: 'chat', receiver: bob.id, id: 'sent while away' });
    await untilAway(cluster, 0, id);
    expect(await sendToAnn('away')).toBe('held');
    await ann.return({ url: cluster.url(1) });
    expect(ann.id).toBe(id);
    expect(await sendToAnn('after')).toBe('routed');
    expect([(await ann.next('chat')).id, (await ann.next('chat')).id]).toEqual(['away', 'after']);
    expect(await bob.next('chat')).toMatchObject({ sender: id, id: 'sent while away' });
    expect((await ann.answer('sent while away')).data).toEqual({ status: 'routed' });
    expect(pipesOf(cluster, 1)).toEqual({ pipes: 1, piped: piped + 1 });
    expect(ann.breaches).toEqual([]);
  });

  it('may be anywhere the next time', async () => {
    const { id } = ann;
    for (const index of [1, 2, 0, 2, 1, 1]) {
      await ann.return({ url: cluster.url(index) });
      expect([ann.id, await sendToAnn(`${index}`), (await ann.next('chat')).id]).toEqual([id, 'routed', `${index}`]);
    }
    expect([ann.returns, ann.breaches]).toEqual([6, []]);
  });

  it('ends its session with a close frame through the pipe', async () => {
    await ann.return({ url: cluster.url(1) });
    ann.close();
    expect(await bob.next('sys.departed')).toMatchObject({ sender: ann.id, data: { code: 1000 } });
  });

  it('is closed with 4001 when it returns on yet another connection', async () => {
    await ann.return({ url: cluster.url(1) });
    const code = ann.closeCode();
    await ann.return({ url: cluster.url(2) }, 'keep the connection');
    expect(await code).toBe(4001);
    expect(await sendToAnn('second')).toBe('routed');
    await ann.next('chat');
  });

  it('gets a new session on that node where the secret is wrong, and the named session is not disturbed', async () => {
    const thief = new Roamer();
    const guess = `${ann.token.slice(0, -22)}${'A'.repeat(22)}`;
    await thief.open({ url: cluster.url(1) }, `resume.${guess}.0`);
    expect(thief.welcome).toMatchObject({ resumed: false, reason: 'unknown' });
    expect(thief.id.slice(0, 8)).not.toBe(ann.id.slice(0, 8));
    expect(await sendToAnn('undisturbed')).toBe('routed');
    await ann.next('chat');
    thief.close();
  });

  it('gets a new session where it is another user', async () => {
    const other = new Roamer();
    const headers = { ...bearer(await token({ sub: 'eve' })).headers };
    await other.open({ url: cluster.url(1), headers }, `resume.${ann.token}.0`);
    expect(other.welcome).toMatchObject({ resumed: false, reason: 'unknown' });
    other.close();
  });

  it('keeps its user, and has the rights of its new token', async () => {
    const headers = { ...bearer(await token({ sub: 'eve' })).headers };
    const eve = new Roamer();
    await eve.open({ url: cluster.url(0), headers });
    const { id } = eve;
    eve.cut();
    await eve.return({ url: cluster.url(1), headers });
    expect(eve.id).toBe(id);
    bob.send({ type: 'chat', receiver: '@eve', id: 'user' });
    expect((await bob.answer('user')).data).toMatchObject({ status: 'routed', sessions: 1 });
    await eve.next('chat');
    eve.close();
  });

  it('gets a new session where its session has ended', async () => {
    const { token: used } = ann;
    ann.close();
    await bob.next('sys.departed');
    const late = new Roamer();
    await late.open({ url: cluster.url(1) }, `resume.${used}.0`);
    expect(late.welcome).toMatchObject({ resumed: false, reason: 'ended' });
    late.close();
  });

  it.each(['FORGED', '', 'x'.repeat(22)])('is refused with the forged pass "%s"', async (pass) => {
    const offer = `Sec-WebSocket-Protocol: switchboard.v1, resume.${ann.token}.0`;
    for (const { port } of cluster.nodes) {
      const answer = await exchange(
        port,
        request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, offer, `Switchboard-Pass: ${pass}`]),
      );
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('bad_handshake')]);
    }
    expect(await sendToAnn('undisturbed')).toBe('routed');
    await ann.next('chat');
  });

  it('carries large messages both ways, as fast as they are read', async () => {
    await ann.return({ url: cluster.url(1) });
    const data = 'x'.repeat(60_000);
    for (let number = 0; number < 60; number++) ann.send({ type: 'bulk', receiver: bob.id, id: `${number}`, data });
    for (let number = 0; number < 60; number++) {
      expect(await bob.next('bulk')).toMatchObject({ id: `${number}`, data });
      expect((await ann.answer(`${number}`)).data).toEqual({ status: 'routed' });
    }
  });
});

describe('a node that pipes connections', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    const limits = { MAX_CONNECTIONS_PER_ADDRESS: '2', MAX_CONNECTIONS_PER_USER: '1' };
    cluster = await Cluster.start(2, { ...SETTINGS, ...limits, AUTH: 'optional', AUTH_SECRET: AUTH.AUTH_SECRET });
  });
  afterEach(() => cluster.stop());

  async function open(index: number, options: { readonly headers?: Record<string, string> } = {}): Promise<Roamer> {
    const client = new Roamer();
    await client.open({ url: cluster.url(index), ...options });
    await cluster.settled();
    return client;
  }

  it('counts them for their address until they end', async () => {
    const [ann, bob] = [await open(0), await open(0)];
    await ann.return({ url: cluster.url(1) });
    await bob.return({ url: cluster.url(1) });
    await expect(open(1)).rejects.toThrow('429');
    // Their places on the node of the sessions are free, and they still have their sessions.
    const [carol, dora] = [await open(0), await open(0)];
    await expect(carol.return({ url: cluster.url(1) })).rejects.toThrow('429');
    await carol.return({ url: cluster.url(0) });
    bob.cut();
    await expect.poll(() => pipesOf(cluster, 1).pipes).toBe(1);
    const eve = await open(1);
    for (const client of [ann, bob, carol, dora, eve]) client.close();
  });

  it('leaves no place for them on the nodes of their sessions', async () => {
    const ann = await open(0);
    await ann.return({ url: cluster.url(1) });
    const [bob, carol] = [await open(0), await open(0)];
    await expect(ann.return({ url: cluster.url(0) }, 'keep the connection')).rejects.toThrow('429');
    await bob.return({ url: cluster.url(1) }); // leaves its place on the node of its session
    await ann.return({ url: cluster.url(0) });
    await expect(open(0)).rejects.toThrow('429');
    ann.cut();
    await untilAway(cluster, 0, ann.id);
    const dora = await open(0);
    await expect(open(0)).rejects.toThrow('429');
    for (const client of [ann, bob, carol, dora]) client.close();
  });

  it('does not count the user of a session twice', async () => {
    const headers = { ...bearer(await token({ sub: 'ann' })).headers };
    const ann = await open(0, { headers });
    await ann.return({ url: cluster.url(1), headers });
    expect(ann.returns).toBe(1);
    await expect(open(1, { headers })).rejects.toThrow('429');
    await ann.return({ url: cluster.url(0), headers });
    ann.close();
    await expect.poll(() => pipesOf(cluster, 1).pipes).toBe(0);
    await cluster.settled();
    (await open(1, { headers })).close();
  });

  it('checks the token itself', async () => {
    const ann = await open(0);
    await expect(ann.return({ url: cluster.url(1), headers: { authorization: 'Bearer bad' } })).rejects.toThrow('401');
    ann.close();
  });

  it('cuts them when it drains, and nothing is lost', async () => {
    const [ann, bob] = [await open(0), await open(0)];
    await ann.return({ url: cluster.url(1) });
    const lost = ann.lost();
    const stopping = cluster.nodes[1]!.stop();
    await lost;
    await untilAway(cluster, 0, ann.id);
    bob.send({ type: 'chat', receiver: ann.id, id: 'held' });
    expect((await bob.answer('held')).data).toEqual({ status: 'held' });
    await ann.return({ url: cluster.url(0) });
    const received: Received = await ann.next('chat');
    expect([received.id, ann.returns]).toEqual(['held', 2]);
    await stopping;
    cluster.nodes.pop();
    for (const client of [ann, bob]) client.close();
  });

  it('gives a new session with node_lost where the node of a session has left', async () => {
    const ann = await open(1);
    await cluster.nodes.pop()!.stop();
    await ann.lost();
    await ann.return({ url: cluster.url(0) });
    expect([ann.welcome, ann.returns]).toEqual([expect.objectContaining({ resumed: false, reason: 'node_lost' }), 0]);
    ann.close();
  });
});

describe('the address of a node', () => {
  let cluster: Cluster;
  let proxy: FaultProxy | undefined;
  const clients: Roamer[] = [];

  beforeEach(async () => {
    cluster = await Cluster.start(1, SETTINGS);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await cluster.stop();
    await proxy?.stop();
    proxy = undefined;
  });

  /** Opens a session on a node with this NODE_ADDRESS, and returns by way of the other one. */
  async function returning(nodeAddress: string): Promise<Roamer> {
    const { url } = await cluster.add({ NODE_ADDRESS: nodeAddress });
    await cluster.settled();
    const client = new Roamer();
    clients.push(client);
    await client.open({ url });
    await client.return({ url: cluster.url(0) });
    return client;
  }

  it('is that of NODE_ADDRESS', async () => {
    const [port] = await freePorts();
    proxy = await FaultProxy.start(port);
    await cluster.stop();
    cluster = await Cluster.start(1, { ...SETTINGS });
    const { url } = await cluster.add({ PORT: String(port), NODE_ADDRESS: `localhost:${proxy.port}` });
    await cluster.settled();
    const client = new Roamer();
    clients.push(client);
    await client.open({ url });
    await client.return({ url: cluster.url(0) });
    expect(client.returns).toBe(1);
    const lost = client.lost();
    proxy.cut();
    await lost;
  });

  it('is answered 503 where nobody listens', async () => {
    const [port] = await freePorts();
    await expect(returning(`127.0.0.1:${port}`)).rejects.toThrow('503');
  });

  it('is answered 503 where it leads to another node', async () => {
    await expect(returning(`127.0.0.1:${cluster.nodes[0]!.port}`)).rejects.toThrow('503');
    const [{ port: third }] = [await cluster.add()];
    await expect(returning(`127.0.0.1:${third}`)).rejects.toThrow('503');
  });

  it('is answered 503 where no answer comes', async () => {
    const silent = await SilentPort.open();
    await expect(returning(`127.0.0.1:${silent.port}`)).rejects.toThrow('503');
    await silent.close();
  });
});

describe('a token of a node that was never there', () => {
  it('is answered 503 until the node knows all others, and unknown then', async () => {
    const cluster = await Cluster.start(2, { ...SETTINGS, NODE_TIMEOUT_MS: '3000', BACKPLANE_TIMEOUT_MS: '1000' });
    const statuses = new Set<string>();
    const client = new Roamer();
    const open = async (): Promise<boolean> => {
      try {
        await client.open({ url: cluster.url(1) }, `resume.${'x'.repeat(46)}.0`);
        return true;
      } catch (error) {
        statuses.add((error as Error).message);
        return false;
      }
    };
    while (!(await open()));
    expect(client.welcome).toMatchObject({ resumed: false, reason: 'unknown' });
    expect([...statuses]).toEqual(['refused with 503']);
    client.close();
    await cluster.stop();
  });
});
