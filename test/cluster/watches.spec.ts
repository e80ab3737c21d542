import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const QUIET = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };

let cluster: Cluster;
afterEach(() => cluster.stop());

const start = async (size: number, variables: Record<string, string> = {}): Promise<void> => {
  cluster = await Cluster.start(size, { ...AUTH, ...QUIET, ...variables });
};

const as = async (sub: string, node: number): Promise<Client> =>
  connect(cluster.url(node), bearer(await token({ sub })));

const settled = async (...clients: Client[]): Promise<void> => {
  for (const client of clients) await client.settled();
  await cluster.settled();
  for (const client of clients) await client.settled();
};

/** Begins a watch, and returns the answer. */
const watch = async (client: Client, user: string): Promise<unknown> => {
  client.send({ type: 'sys.watch', receiver: `@${user}`, id: 'w' });
  return (await client.answer('w')).data;
};

const online = (sessions: number) => ({ user: 'ann', online: true, sessions });
const OFFLINE = { user: 'ann', online: false, sessions: 0 };

describe('watching a user', () => {
  it('notifies on all nodes of the first session on any node, and of the end of the last', async () => {
    await start(3);
    const watchers = [await as('wendy', 0), await as('wendy', 1), await as('wendy', 2)];
    for (const watcher of watchers) expect(await watch(watcher, 'ann')).toEqual(OFFLINE);
    const expectEach = async (data: unknown): Promise<void> => {
      for (const watcher of watchers) expect((await watcher.next('sys.presence')).data).toEqual(data);
    };
    const first = await as('ann', 1);
    await expectEach(online(1));
    const second = await as('ann', 2);
    await settled(...watchers);
    expect(await watch(await as('wendy', 0), 'ann')).toEqual(online(2));
    await first.close(1000);
    await settled(...watchers);
    expect(watchers.map(({ inbox }) => inbox)).toEqual([[], [], []]);
    await second.close(1000);
    await expectEach(OFFLINE);
    await settled(...watchers);
    expect(watchers.map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('is answered by a later node with the sessions on the nodes before', async () => {
    await start(1);
    await Promise.all([as('ann', 0), as('ann', 0)]);
    await cluster.add();
    expect(await watch(await as('wendy', 1), 'ann')).toEqual(online(2));
  });

  it('notifies once of the end of a user whose node stops', async () => {
    await start(2);
    const watcher = await as('wendy', 0);
    await watch(watcher, 'ann');
    await Promise.all([as('ann', 1), as('ann', 1), as('ann', 1)]);
    expect((await watcher.next('sys.presence')).data).toEqual(online(1));
    await settled(watcher);
    await cluster.nodes.pop()!.stop();
    expect((await watcher.next('sys.presence')).data).toEqual(OFFLINE);
    await settled(watcher);
    expect(watcher.inbox).toEqual([]);
  });

  it('notifies of the end of a user after its leaving of rooms, and before its departure', async () => {
    await start(2, { NOTICE_SCOPE: 'all' });
    const watcher = await as('wendy', 0);
    const ann = await as('ann', 1);
    for (const client of [watcher, ann]) {
      client.send({ type: 'sys.join', receiver: '#garden' });
      await client.next('sys.members');
      await cluster.settled();
    }
    expect(await watch(watcher, 'ann')).toEqual(online(1));
    ann.send({ type: 'm', receiver: '#garden' });
    await ann.close(1000);
    await watcher.next('m');
    const types = [await watcher.next(), await watcher.next(), await watcher.next(), await watcher.next()].map(
      ({ type }) => type,
    );
    expect(types).toEqual(['sys.joined', 'sys.left', 'sys.presence', 'sys.departed']);
  });
});

describe('the departure of a session with NOTICE_SCOPE=rooms', () => {
  it('is sent to the members of its rooms on all nodes, as sys.left', async () => {
    await start(2, { NOTICE_SCOPE: 'rooms' });
    const [ann, near, far, stranger] = [
      await as('ann', 0),
      await as('bob', 0),
      await as('carol', 1),
      await as('dora', 1),
    ];
    for (const client of [near, far, ann]) {
      client.send({ type: 'sys.join', receiver: '#garden', id: 'j' });
      await client.answer('j');
      await cluster.settled();
    }
    for (const client of [near, far]) while ((await client.next('sys.joined')).sender !== ann.id);
    await ann.close(1000);
    const left = { type: 'sys.left', sender: ann.id, receiver: '#garden', data: { code: 1000 } };
    for (const client of [near, far]) expect(await client.next()).toEqual(left);
    await settled(near, far, stranger);
    expect([near, far, stranger].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });
});
