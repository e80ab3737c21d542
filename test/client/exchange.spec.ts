import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, type Client, type Envelope, type SocketLike } from '../../packages/client/src/connect.js';
import { mayReconnect } from '../../packages/client/src/reconnect-policy.js';
import { ABNORMAL, CLOSE_CODES, NO_STATUS } from '../../src/protocol/index.js';
import { readSettings } from '../../src/settings/environment.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, receives, join } from '../support/switchboard-client.js';

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

  it('sends to a session id, and resolves to the acknowledgement', async () => {
    const [ann, bob] = [await joined(), await joined()];
    const received = receives(bob, 'offer');
    expect(await ann.send(bob.id, 'offer', { text: 'hello' })).toEqual({ status: 'routed' });
    expect(await received).toMatchObject({ sender: ann.id, receiver: bob.id, data: { text: 'hello' } });
    expect(await ann.send('*', 'news')).toEqual({ status: 'accepted' });
  });

  it('keeps the order of more messages than may be unanswered at a time', async () => {
    const [ann, bob] = [await joined(), await joined()];
    const numbers: unknown[] = [];
    bob.on('n', ({ data }) => numbers.push(data));
    const count = 500;
    await Promise.all(Array.from({ length: count }, (_, n) => ann.send(bob.id, 'n', n)));
    await bob.send(bob.id, 'last'); // after all messages to bob
    expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  it('calls a handler, and receives its answer', async () => {
    const ann = await joined();
    const received = receives(ann, 'demo.sum');
    expect(await ann.send(undefined, 'demo.sum', { numbers: [1, 2] })).toEqual({ status: 'accepted' });
    expect(await received).toMatchObject({ sender: 'server', data: { sum: 3 } });
  });

  it('rejects with the error code of the server', async () => {
    const ann = await joined();
    await expect(ann.send('no.such.session', 'offer')).rejects.toMatchObject({
      name: 'SendError',
      code: 'receiver_not_found',
      sent: true,
    });
    expect(await codeOf(ann.send(undefined, 'no.such.type'))).toBe('unknown_type');
    expect(await codeOf(ann.send(ann.id, 'sys.welcome'))).toBe('reserved_type');
  });

  it('does not send a message over maxMessageBytes, which would close the connection', async () => {
    const ann = await joined();
    await expect(ann.send(ann.id, 'long', 'ä'.repeat(2050))).rejects.toMatchObject({ code: 'too_big', sent: false });
    expect(await ann.send(ann.id, 'short', 'ä'.repeat(1900))).toEqual({ status: 'routed' });
  });

  it('lists all sessions, page by page, up to a limit', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, joined));
    const [ann] = all as [Client];
    expect(new Set(await ann.who())).toEqual(new Set(all.map(({ id }) => id)));
    expect(await ann.who({ limit: 2 })).toHaveLength(2);
  });

  it('unsubscribes a listener', async () => {
    const ann = await joined();
    const received: string[] = [];
    const unsubscribe = ann.on('note', ({ data }) => received.push(`first ${String(data)}`));
    ann.on('*', ({ type }: Envelope) => type === 'note' && received.push('any'));
    await ann.send(ann.id, 'note', 1);
    unsubscribe();
    await ann.send(ann.id, 'note', 2);
    await ann.send(ann.id, 'last');
    expect(received).toEqual(['first 1', 'any', 'any']);
  });

  it('closes, and rejects later messages with closed', async () => {
    const [ann, bob] = [await joined(), await joined()];
    const departed = receives(bob, 'sys.departed');
    const { id } = ann;
    const closed = becomes(ann, 'closed');
    ann.close();
    expect(await closed).toMatchObject({ code: 1000 });
    expect(await departed).toMatchObject({ sender: id, data: { code: 1000 } });
    expect(await codeOf(ann.send('*', 'late'))).toBe('closed');
    expect(await codeOf(ann.ready())).toBe('closed');
    expect(ann.id).toBeUndefined();
  });

  it('does not reconnect after 4000', async () => {
    const ann = await joined();
    const closed = becomes(ann, 'closed');
    server.app.get(SessionRegistry).find(ann.id!)!.close(4000);
    expect(await closed).toMatchObject({ code: 4000, reason: 'kicked' });
    expect(await codeOf(ann.send('*', 'late'))).toBe('closed');
  });

  it('requires a WebSocket class and a valid URL', async () => {
    const client = join('not an address');
    await expect(client.ready()).rejects.toMatchObject({ code: 'closed' });
    if (!('WebSocket' in globalThis)) expect(() => connect(server.url)).toThrow('pass one');
  });
});

describe('a client without a time limit of its own', () => {
  afterEach(() => vi.useRealTimers());

  it('waits longer than a handler may take by default, so that the error of the server arrives', async () => {
    vi.useFakeTimers();
    class SilentSocket implements SocketLike {
      onmessage: SocketLike['onmessage'] = null;
      onclose: SocketLike['onclose'] = null;
      onerror: SocketLike['onerror'] = null;
      send(): void {}
      close(): void {}
    }
    const ann = connect('ws://127.0.0.1', { WebSocket: SilentSocket });
    let outcome = 'pending';
    ann.request('slow').catch((error: { code: string }) => (outcome = error.code));
    await vi.advanceTimersByTimeAsync(readSettings({}, {}).handlerTimeoutMs + 1000);
    expect(outcome).toBe('pending');
    await vi.advanceTimersByTimeAsync(5000);
    expect(outcome).toBe('timeout');
    ann.close();
  });
});

describe('the advice of each close code', () => {
  it.each(Object.entries(CLOSE_CODES))('is followed: %s', (code, { advice }) => {
    expect(mayReconnect(Number(code))).toBe(advice !== 'stop');
  });

  it.each([NO_STATUS, ABNORMAL, 1000, 1001, 1014, 1015, 3000, 4103, 4199, 4999])('is to reconnect after %s', (code) => {
    expect(mayReconnect(code)).toBe(true);
  });

  it.each([1002, 1009, 4001, 4099])('is to stop after %s', (code) => {
    expect(mayReconnect(code)).toBe(false);
  });
});
