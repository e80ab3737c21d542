import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builds } from '../support/builds.js';
import { connect, type Client } from '../support/client.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const BUILD_MS = 600_000;

describe('nodes of different versions', () => {
  const nodes: ServerProcess[] = [];
  let builds: Builds;
  let nats: NatsServer;
  let before: string;
  let older: string;
  let next: string;
  let far: string;

  beforeAll(async () => {
    [builds, nats] = await Promise.all([Builds.create(), NatsServer.start()]);
    before = await builds.before();
    older = await builds.older();
    [next, far] = [await builds.ahead(1), await builds.ahead(2)];
  }, BUILD_MS);
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    await nats?.stop();
    await builds?.remove();
  });

  /** @param main the build; this tree's own where it is left out */
  async function start(main?: string, more: Record<string, string> = {}): Promise<ServerProcess> {
    const settings = { BACKPLANE: 'nats', NATS_URL: nats.url, ARRIVAL_NOTICES: 'off', DRAIN_SPREAD_MS: '100', ...more };
    const node = await ServerProcess.start(settings, main === undefined ? {} : { main });
    nodes.push(node);
    return node;
  }

  /** Stops a node with SIGTERM, as an upgrade does. */
  async function stop(node: ServerProcess): Promise<void> {
    nodes.splice(nodes.indexOf(node), 1);
    node.signal('SIGTERM');
    expect((await node.ended).code).toBe(0);
  }

  /** Resolves when a message of one reaches the other. Nodes learn of each other a moment after they start. */
  async function reach(from: Client, to: Client): Promise<void> {
    for (let id = 0, status: unknown; status !== 'routed'; id++) {
      from.send({ type: 'hello', receiver: to.id, id: `${to.id}/${id}` });
      ({ status } = (await from.answer(`${to.id}/${id}`)).data as { status?: string });
    }
    expect((await to.next('hello')).sender).toBe(from.id);
  }

  async function listed(client: Client): Promise<string[]> {
    client.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
    return ((await client.answer('who')).data as { sessions: string[] }).sessions;
  }

  /** Opens one session on each node. Each one reaches and lists all others, and gets their departures. */
  async function talk(): Promise<void> {
    const clients = await Promise.all(nodes.map((node) => connect(node.url)));
    for (const from of clients) for (const to of clients) if (from !== to) await reach(from, to);
    const ids = clients.map(({ id }) => id).toSorted();
    for (const client of clients) while ((await listed(client)).join() !== ids.join());
    for (const from of clients) {
      from.send({ type: 'to.all', receiver: '*', id: 'all' });
      expect(await from.answer('all')).toMatchObject({ data: { status: 'accepted' } });
      for (const to of clients) if (from !== to) expect((await to.next('to.all')).sender).toBe(from.id);
    }
    while (clients.length > 0) {
      const { id } = clients[0]!;
      await clients.shift()!.close(1000);
      for (const client of clients)
        expect(await client.next('sys.departed')).toMatchObject({ sender: id, data: { code: 1000 } });
    }
  }

  it.each([
    ['the commit before', () => before],
    ['the version before', () => older],
  ])('are one server during an upgrade: %s, this one and the next', { timeout: 120_000 }, async (_, build) => {
    const [first, second] = [await start(build()), await start(build())];
    await talk();
    const now = await start();
    await talk();
    await stop(first);
    await talk();
    await stop(second);
    const newer = await start(next);
    await talk();
    await stop(now);
    await stop(newer);
  });

  /** Joins the garden. Returns when a node that takes part lists so many members. */
  async function join(client: Client, total: number): Promise<void> {
    for (let count: unknown; count !== total;) {
      client.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
      const { type, data } = await client.answer('join');
      expect(type).toBe('sys.members');
      count = (data as { total: number }).total;
    }
  }

  it('have rooms and users together with those of the version before', { timeout: 120_000 }, async () => {
    const started = [await start(older, AUTH), await start(undefined, AUTH)];
    const [ann, bob] = (await Promise.all(
      ['ann', 'bob'].map(async (sub, index) => connect(started[index]!.url, bearer(await token({ sub })))),
    )) as [Client, Client];
    await reach(ann, bob);
    await reach(bob, ann);
    await join(ann, 1);
    await join(bob, 2);
    bob.send({ type: 'chat', receiver: '#garden', id: 'room' });
    expect((await bob.answer('room')).data).toEqual({ status: 'accepted' });
    bob.send({ type: 'chat', receiver: '@ann', id: 'user' });
    expect((await bob.answer('user')).data).toEqual({ status: 'routed', sessions: 1 });
    for (const receiver of ['#garden', '@ann']) expect(await ann.next('chat')).toMatchObject({ receiver });
    await bob.close(1000);
    expect(await ann.next('sys.left')).toMatchObject({ sender: bob.id, data: { code: 1000 } });
    await ann.close();
    for (const node of started) await stop(node);
  });

  it('hold messages for the version before, which lists the session as connected', { timeout: 120_000 }, async () => {
    const [earlier, now] = [await start(older), await start(undefined, { AWAY_NOTICE_MS: '100' })];
    const [old, ann] = [await connect(earlier.url), await connect(now.url)];
    const bob = await connect(now.url, { protocols: ['switchboard.v1', 'resume'] });
    const { resume } = bob.welcome.data as { resume: { token: string } };
    await reach(old, ann);
    await reach(ann, old);
    await reach(old, bob);
    bob.terminate();
    expect((await ann.next('sys.away')).sender).toBe(bob.id);
    old.send({ type: 'chat', receiver: bob.id, id: 'held' });
    expect((await old.answer('held')).data).toEqual({ status: 'routed' });
    expect(await listed(old)).toContain(bob.id);
    const frames = bob.frames.filter((text) => !/"type":"sys\.(welcome|seen)"/.test(text)).length;
    const back = await connect(now.url, { protocols: ['switchboard.v1', `resume.${resume.token}.${frames}`] });
    expect(back.id).toBe(bob.id);
    expect((await back.next('chat')).sender).toBe(old.id);
    expect((await ann.next('sys.back')).sender).toBe(bob.id);
    await reach(back, old);
    const notices = ['sys.away', 'sys.back', 'sys.departed'];
    expect(old.inbox.filter(({ type, sender }) => sender === bob.id && notices.includes(type))).toEqual([]);
    await Promise.all([old, ann, back].map((client) => client.close()));
    for (const node of [earlier, now]) await stop(node);
  });

  it('are two servers where their versions are incompatible, and log it', { timeout: 120_000 }, async () => {
    // A node that joined less than NODE_TIMEOUT_MS ago answers `unavailable` for the sessions of an unknown node.
    const young = { NODE_TIMEOUT_MS: '100000' };
    const now = await start(undefined, young);
    const newest = await start(far, young);
    const newer = await start(next, young);
    const line = await now.logged('ignoring node with incompatible protocol version');
    expect(line).toMatchObject({
      level: 'warn',
      version: expect.any(Number) as number,
      ours: expect.any(Number) as number,
    });
    expect(Number(line['version'])).toBe(Number(line['ours']) + 2);
    await newest.logged('ignoring node with incompatible protocol version');
    const [ann, bob, carl] = (await Promise.all([now, newest, newer].map(({ url }) => connect(url)))) as [
      Client,
      Client,
      Client,
    ];
    await reach(ann, carl);
    await reach(carl, bob);
    await join(ann, 1);
    await join(carl, 2);
    carl.send({ type: 'chat', receiver: '#garden', id: 'chat' });
    expect(await carl.answer('chat')).toMatchObject({ data: { status: 'accepted' } });
    expect((await ann.next('chat')).sender).toBe(carl.id);
    ann.send({ type: 'hello', receiver: bob.id, id: '1' });
    expect(await ann.answer('1')).toMatchObject({ data: { code: 'unavailable' } });
    await Promise.all([now, newest, newer].map((node) => stop(node)));
  });
});
