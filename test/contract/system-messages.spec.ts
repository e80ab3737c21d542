import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client, type Received } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

interface Page {
  readonly sessions: readonly string[];
  readonly total: number;
  readonly next?: string;
}

describe('sys.who', () => {
  let server: TestServer;
  let alice: Client;
  let ids: string[];

  beforeAll(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off' });
    alice = await connect(server.url);
    const others = await Promise.all(Array.from({ length: 119 }, () => connect(server.url)));
    ids = [alice, ...others].map(({ id }) => id).toSorted();
  });
  afterAll(() => server.stop());

  const who = async (data?: unknown, id?: string): Promise<Received> => {
    alice.send({ type: 'sys.who', ...(id !== undefined && { id }), ...(data !== undefined && { data }) });
    return alice.next();
  };

  it('is answered with the first hundred ids in order, the total and the next page', async () => {
    expect(await who(undefined, 'w')).toEqual({
      type: 'sys.sessions',
      sender: 'server',
      receiver: alice.id,
      ref: 'w',
      data: { sessions: ids.slice(0, 100), total: 120, next: expect.any(String) as string },
    });
  });

  it('is answered instead of an ack, and without a ref if there was no id', async () => {
    expect(await who({ limit: 1 })).not.toHaveProperty('ref');
    await who({ limit: 1 }, 'w2');
    await alice.settled();
    expect(alice.inbox).toEqual([]);
  });

  it.each([1, 7, 40, 60, 119])('is paged by after and limit %i without gaps or repetitions', async (limit) => {
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const { sessions, total, next } = (await who({ limit, ...(after !== undefined && { after }) }, 'p')).data as Page;
      expect(total).toBe(120);
      expect(sessions.length).toBeLessThanOrEqual(limit);
      seen.push(...sessions);
      if (next === undefined) break;
      expect(sessions).toHaveLength(limit);
      after = next;
    }
    expect(seen).toEqual(ids);
  });

  it.each([120, 1000])('has no next on the last page (limit %i), and includes the own session', async (limit) => {
    const { data } = await who({ limit });
    expect(data).toEqual({ sessions: ids, total: 120 });
    expect(ids).toContain(alice.id);
  });

  it('is an empty page after the last id, and continues after a closed session', async () => {
    expect((await who({ after: ids.at(-1) })).data).toEqual({ sessions: [], total: 120 });
    expect((await who({ after: '~' })).data).toEqual({ sessions: [], total: 120 });
    expect(((await who({ after: '-', limit: 2 })).data as Page).sessions).toEqual(ids.slice(0, 2));
    const left = await connect(server.url);
    await left.close();
    await alice.next('sys.departed');
    const { sessions } = (await who({ after: left.id })).data as Page;
    expect(sessions).toEqual(ids.filter((id) => id > left.id).slice(0, 100));
  });

  it('includes sessions that arrived and departed since the last page', async () => {
    const dora = await connect(server.url);
    expect(((await who({ limit: 1000 })).data as Page).sessions).toContain(dora.id);
    await dora.close();
    await alice.next('sys.departed');
    const { sessions, total } = (await who({ limit: 1000 })).data as Page;
    expect(sessions).not.toContain(dora.id);
    expect(total).toBe(120);
  });

  it.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: -1 }, 'limit'],
    [{ limit: 1001 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ limit: '5' }, 'limit'],
    [{ limit: [5] }, 'limit'],
    [{ after: 5 }, 'after'],
    [{ after: {} }, 'after'],
    [[], 'data'],
    ['all', 'data'],
    [7, 'data'],
    [null, 'data'],
    [{ limit: 5, page: 2 }, 'page'],
  ])('with %j is invalid_message that names the field', async (data, field) => {
    const fault = await who(data, 'bad');
    expect(fault).toMatchObject({ type: 'sys.error', ref: 'bad', data: { code: 'invalid_message' } });
    expect((fault.data as { message: string }).message).toContain(field);
  });

  it('with a limit of 1e400 is invalid_message', async () => {
    alice.sendText('{"type":"sys.who","id":"huge","data":{"limit":1e400}}');
    expect(await alice.next()).toMatchObject({ type: 'sys.error', ref: 'huge', data: { code: 'invalid_message' } });
  });
});

describe('sys.ping', () => {
  let server: TestServer;
  let alice: Client;

  beforeAll(async () => {
    server = await startServer();
    alice = await connect(server.url);
  });
  afterAll(() => server.stop());

  it('is answered with its data and its id as ref, instead of an ack', async () => {
    alice.send({ type: 'sys.ping', id: 'p', data: { at: 1 } });
    const pong = { type: 'sys.pong', sender: 'server', receiver: alice.id, ref: 'p', data: { at: 1 } };
    expect(await alice.next()).toEqual(pong);
    await alice.settled();
    expect(alice.inbox).toEqual([]);
  });

  it('is answered without a ref and without data if there were none', async () => {
    alice.send({ type: 'sys.ping' });
    expect(await alice.next()).toEqual({ type: 'sys.pong', sender: 'server', receiver: alice.id });
    alice.send({ type: 'sys.ping', data: null });
    expect(await alice.next()).toEqual({ type: 'sys.pong', sender: 'server', receiver: alice.id, data: null });
  });

  it('is answered in order with all other messages', async () => {
    for (let index = 0; index < 50; index++) {
      alice.send({ type: 'sys.ping', id: `p${index}` });
      alice.send({ type: 'note', receiver: alice.id, id: `n${index}` });
      alice.send({ type: 'unclaimed', id: `u${index}` });
    }
    const refs: (string | undefined)[] = [];
    while (refs.length < 200) refs.push((await alice.next()).ref);
    expect(refs).toEqual(
      Array.from({ length: 50 }, (_, index) => [`p${index}`, undefined, `n${index}`, `u${index}`]).flat(),
    );
  });
});
