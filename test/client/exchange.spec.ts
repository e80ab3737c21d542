import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client, type Envelope } from '../../src/client/connect.js';
import { mayReconnect } from '../../src/client/reconnect-policy.js';
import { ABNORMAL, CLOSE_CODES, NO_STATUS } from '../../src/protocol/index.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, hears, join } from '../support/switchboard-client.js';

describe('the client', () => {
  let server: TestServer;
  const clients: Client[] = [];
  beforeAll(async () => {
    server = await startServer({ MAX_MESSAGE_BYTES: '4096' });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => server.stop());

  async function joined(): Promise<Client> {
    const client = join(server.url);
    clients.push(client);
    await client.ready();
    return client;
  }

  it('sends to an id, and hears what became of it', async () => {
    const [ann, bob] = [await joined(), await joined()];
    const heard = hears(bob, 'offer');
    expect(await ann.send(bob.id, 'offer', { text: 'hello' })).toEqual({ status: 'routed' });
    expect(await heard).toMatchObject({ sender: ann.id, receiver: bob.id, data: { text: 'hello' } });
    expect(await ann.send('*', 'news')).toEqual({ status: 'accepted' });
  });

  it('keeps the order, also of more messages than may be unanswered at a time', async () => {
    const [ann, bob] = [await joined(), await joined()];
    const numbers: unknown[] = [];
    bob.on('n', ({ data }) => numbers.push(data));
    const count = 500;
    await Promise.all(Array.from({ length: count }, (_, n) => ann.send(bob.id, 'n', n)));
    await bob.send(bob.id, 'last'); // behind all the others on its connection
    expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  it('calls a handler, and hears its answer', async () => {
    const ann = await joined();
    const heard = hears(ann, 'demo.sum');
    expect(await ann.send(undefined, 'demo.sum', { numbers: [1, 2] })).toEqual({ status: 'accepted' });
    expect(await heard).toMatchObject({ sender: 'server', data: { sum: 3 } });
  });

  it('rejects with the code of the server', async () => {
    const ann = await joined();
    await expect(ann.send('nobody', 'offer')).rejects.toMatchObject({
      name: 'SendError',
      code: 'receiver_not_found',
      sent: true,
    });
    expect(await codeOf(ann.send(undefined, 'nothing.like.it'))).toBe('unknown_type');
    expect(await codeOf(ann.send(ann.id, 'sys.welcome'))).toBe('reserved_type');
  });

  it('does not send what the server would close the connection for', async () => {
    const ann = await joined();
    await expect(ann.send(ann.id, 'long', 'ä'.repeat(2050))).rejects.toMatchObject({ code: 'too_big', sent: false });
    expect(await ann.send(ann.id, 'short', 'ä'.repeat(1900))).toEqual({ status: 'routed' });
  });

  it('names everybody, page by page, up to a limit', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, joined));
    const [ann] = all as [Client];
    expect(new Set(await ann.who())).toEqual(new Set(all.map(({ id }) => id)));
    expect(await ann.who({ limit: 2 })).toHaveLength(2);
  });

  it('stops listening', async () => {
    const ann = await joined();
    const heard: string[] = [];
    const stop = ann.on('note', ({ data }) => heard.push(`first ${String(data)}`));
    ann.on('*', ({ type }: Envelope) => type === 'note' && heard.push('any'));
    await ann.send(ann.id, 'note', 1);
    stop();
    await ann.send(ann.id, 'note', 2);
    await ann.send(ann.id, 'last');
    expect(heard).toEqual(['first 1', 'any', 'any']);
  });

  it('ends when it is closed, and says so to whoever still sends', async () => {
    const [ann, bob] = [await joined(), await joined()];
    const departed = hears(bob, 'sys.departed');
    const { id } = ann;
    const closed = becomes(ann, 'closed');
    ann.close();
    expect(await closed).toMatchObject({ code: 1000 });
    expect(await departed).toMatchObject({ sender: id, data: { code: 1000 } });
    expect(await codeOf(ann.send('*', 'late'))).toBe('closed');
    expect(await codeOf(ann.ready())).toBe('closed');
    expect(ann.id).toBeUndefined();
  });

  it('stops where the server says stop', async () => {
    const ann = await joined();
    const closed = becomes(ann, 'closed');
    server.app.get(SessionRegistry).find(ann.id!)!.close(4000);
    expect(await closed).toMatchObject({ code: 4000, reason: 'kicked' });
    expect(await codeOf(ann.send('*', 'late'))).toBe('closed');
  });

  it('needs a WebSocket and an address that can be one', async () => {
    const client = join('not an address');
    await expect(client.ready()).rejects.toMatchObject({ code: 'closed' });
    if (!('WebSocket' in globalThis)) expect(() => connect(server.url)).toThrow('pass one');
  });
});

describe('the advice of each close code', () => {
  it.each(Object.entries(CLOSE_CODES))('is followed: %s', (code, { advice }) => {
    expect(mayReconnect(Number(code))).toBe(!['stop', 'none'].includes(advice));
  });

  it.each([NO_STATUS, ABNORMAL, 1001, 4150, 4199])('is to come again after %s', (code) => {
    expect(mayReconnect(code)).toBe(true);
  });

  it.each([4001, 4099])('is to stop after %s', (code) => {
    expect(mayReconnect(code)).toBe(false);
  });
});
