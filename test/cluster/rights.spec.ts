import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { connectAs, OFF, outcome, putInto, renew, WITH_TOKENS } from '../support/permissions.js';
import { membersOf, settle } from '../support/rooms.js';

/** A claim with all rights for one room, and the right to see one user. */
const CLAIM = { rooms: { garden: ['join', 'send', 'see'] }, users: { bob: ['send', 'see'] } };

describe('rights of sessions on three nodes', () => {
  let cluster: Cluster;
  let ann: Client;
  let bob: Client;
  let carl: Client;

  beforeAll(async () => {
    cluster = await Cluster.start(3, { ...WITH_TOKENS, ...OFF });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    [ann, bob, carl] = [
      await connectAs(cluster.nodes[0]!, 'ann', CLAIM),
      await connectAs(cluster.nodes[1]!, 'bob', CLAIM),
      await connectAs(cluster.nodes[2]!, 'carl'),
    ];
    await cluster.settled();
  });
  afterEach(async () => {
    await Promise.all([ann, bob, carl].map((client) => client.close(1000)));
    await cluster.settled();
  });

  /** Joins a room, and waits until all nodes know it. */
  async function join(...clients: Client[]): Promise<void> {
    for (const client of clients) expect(await outcome(client, 'sys.join', '#garden')).toBe('yes');
    await cluster.settled();
    await settle(...clients);
    for (const { inbox } of clients) inbox.length = 0;
  }

  it('decide about members and users of other nodes', async () => {
    await join(bob);
    expect(await outcome(ann, 'sys.who', '#garden')).toBe('yes');
    expect(await outcome(ann, 'chat', '@bob')).toBe('yes');
    for (const [type, receiver] of [
      ['sys.join', '#garden'],
      ['sys.who', '#garden'],
      ['chat', '#garden'],
      ['chat', '@bob'],
      ['sys.watch', '@bob'],
    ] as const)
      expect(await outcome(carl, type, receiver)).toBe('forbidden');
    expect(await outcome(ann, 'chat', '@carl')).toBe('forbidden');
  });

  it('end with a renewed token, and the members on other nodes get one notice', async () => {
    await join(ann, bob);
    expect(await outcome(ann, 'sys.watch', '@bob')).toBe('yes');
    ann.inbox.length = 0;
    expect(await renew(ann, 'ann', {})).toBe('sys.ack');
    await cluster.settled();
    await settle(ann, bob);
    expect(bob.inbox.splice(0)).toMatchObject([{ type: 'sys.left', sender: ann.id, receiver: '#garden' }]);
    expect((await membersOf(bob, 'garden')).sessions).toEqual([bob.id]);
    await bob.close(1000);
    await cluster.settled();
    await ann.settled();
    const received = ann.inbox.map(({ type, data }) => [type, (data as { code?: string }).code]);
    expect(received).toEqual([
      ['sys.left', undefined],
      ['sys.error', 'forbidden'],
    ]);
  });

  it('are not asked where server code of one node puts a session of it into a room', async () => {
    await join(bob);
    await putInto(cluster.nodes[2]!, carl, 'garden');
    await cluster.settled();
    await settle(bob);
    expect(bob.inbox.splice(0)).toMatchObject([{ type: 'sys.joined', sender: carl.id, receiver: '#garden' }]);
    expect(await renew(carl, 'carl', {})).toBe('sys.ack');
    expect((await membersOf(bob, 'garden')).total).toBe(2);
  });
});
