import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const AWAY_MS = 300;
const PROTOCOLS = ['switchboard.v1', 'resume'];
const NOT_COUNTED = new Set(['sys.welcome', 'sys.seen']);

describe('a session that is away, seen from another node', () => {
  let cluster: Cluster;
  let users = 0;
  /** On the node of `bob`. */
  let near: Client;
  /** On another node. */
  let ann: Client;
  /** Loses its connection. */
  let bob: Client;
  let user: string;

  beforeAll(async () => {
    const notices = { ARRIVAL_NOTICES: 'off', AWAY_NOTICE_MS: String(AWAY_MS) };
    cluster = await Cluster.start(2, { ...AUTH, ...notices });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    user = `bob${++users}`;
    ann = await open(0, 'ann');
    near = await open(1, 'near');
    bob = await open(1, user, PROTOCOLS);
    await cluster.settled();
  });
  afterEach(async () => {
    await Promise.all([ann, near].map((client) => client.close(1000)));
    await cluster.settled();
  });

  async function open(node: number, sub: string, protocols: string[] = []): Promise<Client> {
    return connect(cluster.url(node), { ...bearer(await token({ sub })), protocols });
  }

  /** Cuts the connection of bob. Resolves when both nodes know. */
  async function cut(): Promise<void> {
    bob.terminate();
    for (const observer of [near, ann]) while (!(await listed(observer)).includes('away')) await observer.settled();
  }

  /** Comes back as bob, on the same node. */
  async function comeBack(): Promise<Client> {
    const { token: secret } = (bob.welcome.data as { resume: { token: string } }).resume;
    const frames = bob.frames.filter((text) => !NOT_COUNTED.has((JSON.parse(text) as { type: string }).type)).length;
    return open(1, user, ['switchboard.v1', `resume.${secret}.${frames}`]);
  }

  /** Returns what a client is shown of bob by `sys.who`. */
  async function listed(client: Client): Promise<string> {
    client.send({ type: 'sys.who', id: 'who', data: { limit: 1000 } });
    const { sessions } = (await client.answer('who')).data as { sessions: unknown[] };
    return JSON.stringify(sessions.find((entry) => JSON.stringify(entry).includes(bob.id)));
  }

  it('gets what was held, and senders on other nodes get held and one notice of each kind', async () => {
    await cut();
    expect(await listed(ann)).toBe(JSON.stringify({ id: bob.id, away: true }));
    ann.send({ type: 'chat', receiver: bob.id, id: '1', data: 1 });
    expect((await ann.answer('1')).data).toEqual({ status: 'held' });
    ann.send({ type: 'chat', receiver: `@${user}`, id: '2', data: 2 });
    expect((await ann.answer('2')).data).toEqual({ status: 'held', sessions: 0, held: 1 });
    ann.send({ type: 'chat', receiver: '*', id: '3', data: 3 });
    expect((await ann.answer('3')).data).toEqual({ status: 'accepted' });
    for (const observer of [ann, near])
      expect(await observer.next('sys.away')).toEqual({ type: 'sys.away', sender: bob.id, receiver: '*' });
    const back = await comeBack();
    expect(back.welcome).toMatchObject({ receiver: bob.id, data: { resumed: true } });
    for (const data of [1, 2, 3]) expect(await back.next('chat')).toMatchObject({ sender: ann.id, data });
    for (const observer of [ann, near])
      expect(await observer.next('sys.back')).toEqual({ type: 'sys.back', sender: bob.id, receiver: '*' });
    expect(await listed(ann)).toBe(JSON.stringify(bob.id));
    ann.send({ type: 'chat', receiver: bob.id, id: '4' });
    expect((await ann.answer('4')).data).toEqual({ status: 'routed' });
    expect([ann, near].flatMap(({ inbox }) => inbox.filter(({ type }) => type === 'sys.departed'))).toEqual([]);
    await back.close(1000);
    await ann.next('sys.departed');
  });

  it('is undelivered to senders on all nodes where it ends', async () => {
    await cut();
    for (const [index, sender] of [ann, near].entries()) {
      sender.send({ type: 'chat', receiver: bob.id, id: `direct${index}` });
      sender.send({ type: 'chat', receiver: `@${user}`, id: `user${index}` });
      sender.send({ type: 'chat', receiver: '*', id: `all${index}` });
      for (const id of ['direct', 'user', 'all']) await sender.answer(`${id}${index}`);
    }
    const back = await comeBack();
    expect(back.welcome.data).toMatchObject({ resumed: true });
    // The frames were repeated, and the client ends without having reported them.
    await back.close(1000);
    for (const [index, sender] of [ann, near].entries())
      for (const ref of [`direct${index}`, `user${index}`]) {
        const { data, ...rest } = await sender.next('sys.undelivered');
        expect(rest).toEqual({ type: 'sys.undelivered', sender: 'server', receiver: sender.id, ref });
        expect(data).toEqual({ receiver: bob.id });
      }
    for (const sender of [ann, near]) {
      await sender.next('sys.departed');
      await sender.settled();
      expect(sender.inbox.filter(({ type }) => type === 'sys.undelivered')).toEqual([]);
    }
  });

  it('is known as away to a node that starts later, and its return is, too', async () => {
    await cut();
    const node = await cluster.add();
    const cem = await open(2, 'cem');
    while (!(await listed(cem)).includes('away')) await cem.settled();
    const back = await comeBack();
    while ((await listed(cem)) !== JSON.stringify(bob.id)) await cem.settled();
    cem.send({ type: 'chat', receiver: bob.id, id: '1' });
    expect((await cem.answer('1')).data).toEqual({ status: 'routed' });
    expect((await back.next('chat')).sender).toBe(cem.id);
    await Promise.all([back, cem].map((client) => client.close(1000)));
    cluster.nodes.splice(2, 1);
    await node.stop();
  });
});
