import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { AUTH, bearer, token } from '../support/tokens.js';

describe('a user on three nodes', () => {
  let cluster: Cluster;
  let bob: Client;
  let users = 0;
  let ann: string;

  beforeAll(async () => {
    cluster = await Cluster.start(3, { ...AUTH, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    ann = `änn/${++users}`;
    bob = await open(0, 'bob');
  });

  async function open(node: number, user: string): Promise<Client> {
    const client = await connect(cluster.url(node), bearer(await token({ sub: user })));
    await cluster.settled();
    return client;
  }

  it('gets a message on all its sessions, and the sender gets their number', async () => {
    const sessions = await Promise.all([0, 1, 1].map((node) => open(node, ann)));
    await cluster.settled();
    const message = { type: 'chat', receiver: `@${ann}`, data: 1, id: 'm' };
    bob.send(message);
    expect(await bob.next()).toMatchObject({ type: 'sys.ack', ref: 'm', data: { status: 'routed', sessions: 3 } });
    for (const client of sessions) expect(await client.next()).toEqual({ ...message, sender: bob.id });
    // The other sessions of the sender are reached, and the sending one is not.
    sessions[1]!.send({ ...message, id: 'own' });
    expect(await sessions[1]!.next()).toMatchObject({ ref: 'own', data: { status: 'routed', sessions: 2 } });
    for (const index of [0, 2]) expect((await sessions[index]!.next('chat')).sender).toBe(sessions[1]!.id);
    bob.send({ type: 'sys.who', receiver: `@${ann}`, id: 'who' });
    expect((await bob.answer('who')).data).toEqual({ sessions: sessions.map(({ id }) => id).toSorted(), total: 3 });
  });

  it('is not found where it has no session', async () => {
    bob.send({ type: 'chat', receiver: `@${ann}`, id: '1' });
    expect(await bob.answer('1')).toMatchObject({ data: { code: 'receiver_not_found' } });
    const away = await open(2, ann);
    bob.send({ type: 'chat', receiver: `@${ann}`, id: '2' });
    expect(await bob.answer('2')).toMatchObject({ data: { status: 'routed', sessions: 1 } });
    await away.close(1000);
    await cluster.settled();
    bob.send({ type: 'chat', receiver: `@${ann}`, id: '3' });
    expect(await bob.answer('3')).toMatchObject({ data: { code: 'receiver_not_found' } });
  });

  it('is watched from another node: each change between no session and some causes one notice', async () => {
    bob.send({ type: 'sys.watch', receiver: `@${ann}`, id: 'w' });
    expect(await bob.answer('w')).toMatchObject({
      type: 'sys.presence',
      data: { user: ann, online: false, sessions: 0 },
    });
    const first = await open(1, ann);
    const second = await open(2, ann);
    await first.close(1000);
    await cluster.settled();
    await bob.settled();
    expect(bob.inbox.splice(0)).toMatchObject([
      { type: 'sys.presence', data: { user: ann, online: true, sessions: 1 } },
    ]);
    await second.close(1000);
    expect(await bob.next()).toMatchObject({ type: 'sys.presence', data: { user: ann, online: false, sessions: 0 } });
  });
});
