import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { request } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { LocalNode } from '../../src/messaging/local-node.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';

interface Answered {
  readonly status: number;
  readonly body: unknown;
}

const KEY = 'a-key-of-many-characters';

async function callOn(
  cluster: Cluster,
  node: number,
  method: string,
  path: string,
  body?: object,
  key?: string,
): Promise<Answered> {
  const sent = request(`http://127.0.0.1:${cluster.nodes[node]!.port}/api/v1${path}`, {
    method,
    agent: false,
    headers: {
      Authorization: `Bearer ${KEY}`,
      ...(body && { 'Content-Type': 'application/json' }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    },
  }).end(body && JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const answer = await text(response);
  return { status: response.statusCode!, body: answer === '' ? undefined : (JSON.parse(answer) as unknown) };
}

describe('the HTTP API of one node', () => {
  let cluster: Cluster;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    cluster = await Cluster.start(2, { API_KEYS: KEY, ARRIVAL_NOTICES: 'off' });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    [alice, bob] = (await Promise.all([0, 1].map((node) => connect(cluster.url(node))))) as [Client, Client];
    await cluster.settled();
  });

  const call = (method: string, path: string, body?: object, key?: string, node = 0): Promise<Answered> =>
    callOn(cluster, node, method, path, body, key);

  it('sends messages to sessions of the other node', async () => {
    const message = { type: 'paid', sender: 'server/shop', receiver: bob.id, data: 1 };
    expect(await call('POST', '/messages', message)).toEqual({ status: 200, body: { status: 'routed' } });
    expect(await bob.next()).toEqual(message);
    expect(await call('POST', '/messages', { ...message, receiver: '*' })).toMatchObject({ status: 200 });
    expect(await bob.next()).toEqual({ ...message, receiver: '*' });
    await alice.next('paid');
    const nobody = `${bob.id.slice(0, 9)}${'A'.repeat(16)}`;
    expect(await call('POST', '/messages', { ...message, receiver: nobody })).toMatchObject({
      status: 404,
      body: { code: 'receiver_not_found' },
    });
  });

  it('lists the sessions of both nodes with their details', async () => {
    const { body } = await call('GET', '/sessions?limit=1000');
    const listed = new Map((body as { sessions: { id: string }[] }).sessions.map((session) => [session.id, session]));
    for (const { id } of [alice, bob])
      expect(listed.get(id)).toEqual({
        id,
        since: expect.stringMatching(/^20/) as string,
        state: 'open',
        address: '127.0.0.1',
        bytesIn: expect.any(Number) as number,
        bytesOut: expect.any(Number) as number,
        bytesWaiting: 0,
      });
    expect((await call('GET', `/sessions/${bob.id}`)).body).toMatchObject({ id: bob.id, address: '127.0.0.1' });
    expect((await call('GET', `/sessions/${bob.id}x`)).status).toBe(404);
  });

  it('closes a session of the other node', async () => {
    expect(await call('DELETE', `/sessions/${bob.id}`)).toEqual({ status: 204, body: undefined });
    expect(await bob.closed).toEqual({ code: 4000, reason: 'kicked' });
    expect(await alice.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 4000 } });
    expect(await call('DELETE', `/sessions/${bob.id}`)).toMatchObject({ status: 404 });
  });

  it('executes an idempotency key once, on whatever node', async () => {
    for (let round = 0; round < 8; round++) {
      const message = { type: 'paid', receiver: round % 2 === 0 ? alice.id : bob.id, data: round };
      const client = round % 2 === 0 ? alice : bob;
      for (const node of [0, 1, 1, 0])
        expect(await call('POST', '/messages', message, `key-${round}`, node)).toEqual({
          status: 200,
          body: { status: 'routed' },
        });
      expect(await client.next()).toMatchObject({ data: round });
      for (const node of [0, 1])
        expect(await call('POST', '/messages', { ...message, data: 'other' }, `key-${round}`, node)).toMatchObject({
          status: 422,
          body: { code: 'idempotency_key_reused' },
        });
      const nobody = { ...message, receiver: 'nobody' };
      for (const node of [0, 1])
        expect(await call('POST', '/messages', nobody, `nobody-${round}`, node)).toMatchObject({
          status: 404,
          body: { code: 'receiver_not_found' },
        });
    }
    await Promise.all([alice.settled(), bob.settled()]);
    expect([alice.inbox, bob.inbox]).toEqual([[], []]);
  });

  it('reaches the same sessions as Switchboard', async () => {
    const switchboard = cluster.nodes[0]!.app.get(Switchboard);
    switchboard.send('server', bob.id, 'sent', 1);
    expect(await bob.next()).toMatchObject({ type: 'sent', sender: 'server', data: 1 });
    await switchboard.deliver('server', bob.id, 'delivered');
    await bob.next('delivered');
    expect(switchboard.multicast('server', [alice.id, bob.id, 'nobody'], 'listed', 2)).toBe(1);
    for (const client of [alice, bob]) expect(await client.next('listed')).toMatchObject({ sender: 'server', data: 2 });
    const nobody = `${bob.id.slice(0, 9)}${'A'.repeat(16)}`;
    await expect(switchboard.deliver('server', nobody, 'x')).rejects.toThrow('No session has this id.');
    switchboard.send('server', nobody, 'x');
    const nowhere = `AAAAAAAA.${'A'.repeat(16)}`;
    await expect(switchboard.deliver('server', nowhere, 'x')).rejects.toThrow('No session has this id.');
    expect(() => switchboard.send('server', 'nobody', 'x')).toThrow('No session has this id.');
    await cluster.settled();
  });
});

describe('the HTTP API of a cluster where one node has none', () => {
  it('posts also where that node owns the idempotency key', async () => {
    const cluster = await Cluster.start(1, { ARRIVAL_NOTICES: 'off' });
    await cluster.add({ API_KEYS: KEY });
    const client = await connect(cluster.url(1));
    await cluster.settled();
    const answers = new Set<string>();
    for (let round = 0; round < 30; round++) {
      const message = { type: 'paid', receiver: client.id, data: round };
      const { status, body } = await callOn(cluster, 1, 'POST', '/messages', message, `key-${round}`);
      const { code, status: result } = body as { code?: string; status: string };
      answers.add(`${status} ${code ?? result}`);
    }
    expect([...answers]).toEqual(['200 routed']);
    await cluster.stop();
  });

  it.each([undefined, null, 'text', {}, { problem: 1 }, { fault: {} }, { answer: null, replayed: true }])(
    'answers 503 for the reply %o of a node of another version',
    async (reply) => {
      const cluster = await Cluster.start(1, { ARRIVAL_NOTICES: 'off' });
      await cluster.add({ API_KEYS: KEY });
      cluster.nodes[0]!.app.get(LocalNode).registerRpc('publish', async () => reply);
      await cluster.settled();
      const message = { type: 'paid', receiver: '*' };
      const answers: Answered[] = [];
      for (let round = 0; round < 100 && answers.at(-1)?.status !== 503; round++)
        answers.push(await callOn(cluster, 1, 'POST', '/messages', message, `key-${round}`));
      expect(answers.pop()).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      await cluster.stop();
    },
  );
});
