import { Module } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client, ConnectOptions } from '../../packages/client/src/connect.js';
import { AnswersGateway } from '../support/answers.gateway.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, join, receives } from '../support/switchboard-client.js';
import { TicksGateway } from '../support/ticks.gateway.js';

@Module({ providers: [AnswersGateway, TicksGateway] })
class HandlersUnderTest {}

describe('a client of handlers', () => {
  let server: TestServer;
  let proxy: FaultProxy;
  const clients: Client[] = [];
  beforeAll(async () => {
    server = await startServer({ MAX_MESSAGE_BYTES: '4096' }, [HandlersUnderTest]);
    proxy = await FaultProxy.start(server.port);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  async function joined(options?: ConnectOptions, url = server.url): Promise<Client> {
    const client = join(url, options);
    clients.push(client);
    await client.ready();
    return client;
  }

  describe('that requests', () => {
    it('gets the answer of each request, also of several at a time', async () => {
      const ann = await joined();
      const answers = [1, 2, 3].map((n) => ann.request('a.value', n));
      expect(await Promise.all(answers)).toEqual([{ got: 1 }, { got: 2 }, { got: 3 }]);
      expect(await ann.request('a.raw', 0)).toBe(0);
    });

    it('gets undefined from a handler without an answer', async () => {
      expect(await (await joined()).request('a.nothing')).toBeUndefined();
    });

    it('gets the data of a WsResponse, whose type is another one', async () => {
      const answer = (await joined()).request('a.response', { event: 'other', data: 7 });
      expect(await answer).toBe(7);
    });

    it('gets the last of several answers', async () => {
      expect(await (await joined()).request('a.observable', [1, 2, 3])).toBe(3);
    });

    it('gets the answer of the server to a system request', async () => {
      const ann = await joined();
      expect(await ann.request('sys.who')).toEqual({ sessions: [ann.id], total: 1 });
    });

    it('rejects with the error of the handler, also after an answer', async () => {
      const ann = await joined();
      await expect(ann.request('a.throw', { kind: 'code' })).rejects.toMatchObject({ code: 'sold_out', sent: true });
      expect(await codeOf(ann.request('a.broken-stream'))).toBe('refused');
      expect(await codeOf(ann.request('no.such.type'))).toBe('unknown_type');
    });

    it('rejects with timeout where the handler does not end in time', async () => {
      const outcome = (await joined()).request('endless', [1], { timeoutMs: 50 });
      await expect(outcome).rejects.toMatchObject({ code: 'timeout', sent: true });
    });
  });

  describe('that streams', () => {
    it('iterates over the values in order, until the handler is done', async () => {
      const values: unknown[] = [];
      for await (const value of (await joined()).stream('a.observable', [1, false, 3])) values.push(value);
      expect(values).toEqual([1, false, 3]);
    });

    it('keeps the values that arrive before they are read', async () => {
      const ann = await joined();
      const stream = ann.stream('a.observable', [1, 2]);
      await ann.request('a.nothing'); // after all values
      const first = await stream.next();
      expect([first.value, (await stream.next()).value, (await stream.next()).done]).toEqual([1, 2, true]);
    });

    it('rejects behind the values where the handler fails, and is done then', async () => {
      const stream = (await joined()).stream('a.broken-stream');
      expect((await stream.next()).value).toBe(1);
      expect((await stream.next()).value).toBe(2);
      expect(await codeOf(stream.next())).toBe('refused');
      expect((await stream.next()).done).toBe(true);
    });

    it('ends at break, and drops later values', async () => {
      const ann = await joined();
      const read: unknown[] = [];
      const stream = ann.stream('a.observable', [1, 2]);
      for await (const value of stream) {
        read.push(value);
        break;
      }
      await ann.request('a.nothing'); // after all values
      expect([read, await stream.next()]).toEqual([[1], { done: true, value: undefined }]);
    });

    it('frees its place among the unanswered and the queued requests at the end', async () => {
      const ann = await joined({ queueSize: 1 });
      const failed: unknown[] = [];
      ann.onError(({ error }) => failed.push(error));
      for (let count = 0; count < 300; count++) void ann.stream('a.nothing').return!();
      expect(await ann.request('sys.who')).toMatchObject({ total: 1 });
      expect(failed).toEqual([]);
    });

    it('ends a next() that waits when the iterator returns', async () => {
      const stream = (await joined()).stream('endless', []);
      const waiting = stream.next();
      await stream.return!();
      expect((await waiting).done).toBe(true);
    });

    it('has no time limit once it is sent', async () => {
      const ann = await joined();
      const stream = ann.stream('ticks', undefined, { timeoutMs: 50 });
      const { ticks } = server.app.get(TicksGateway);
      await ann.request('a.nothing'); // the handler has subscribed
      expect(await codeOf(ann.request('endless', [], { timeoutMs: 100 }))).toBe('timeout');
      ticks.next('late');
      expect((await stream.next()).value).toBe('late');
    });

    it('rejects with buffer_full behind the buffered values where too many are not read', async () => {
      const ann = await joined();
      const failed: string[] = [];
      ann.onError(({ error, type }) => failed.push(`${type} ${(error as { code?: string }).code}`));
      const stream = ann.stream('a.observable', [1, 2, 3, 4], { bufferSize: 2 });
      await ann.request('a.nothing');
      expect((await stream.next()).value).toBe(1);
      expect((await stream.next()).value).toBe(2);
      expect(await codeOf(stream.next())).toBe('buffer_full');
      expect(failed).toEqual(['a.observable buffer_full']);
    });

    it('rejects with unknown_outcome when the connection is lost, and the session with it', async () => {
      const ann = await joined({ resume: false }, proxy.url);
      const stream = ann.stream('endless', [1]);
      expect((await stream.next()).value).toBe(1);
      const lost = codeOf(stream.next());
      proxy.cut();
      expect(await lost).toBe('unknown_outcome');
    });

    it('rejects with timeout while no connection takes the request, and with closed after the end', async () => {
      const ann = await joined({}, proxy.url);
      const waiting = becomes(ann, 'waiting');
      proxy.disable();
      await waiting;
      expect(await codeOf(ann.stream('endless', [], { timeoutMs: 50 }).next())).toBe('timeout');
      ann.close();
      expect(await codeOf(ann.stream('endless', []).next())).toBe('closed');
      proxy.enable();
    });
  });

  describe('that posts', () => {
    it('sends without an id, to sessions and to handlers', async () => {
      const [ann, bob] = [await joined(), await joined()];
      const [received, answer] = [receives(bob, 'cursor'), receives(ann, 'a.value')];
      expect(ann.post(bob.id, 'cursor', { x: 1 })).toBe(true);
      expect(ann.post(undefined, 'a.value', 2)).toBe(true);
      expect(await received).toEqual({ type: 'cursor', sender: ann.id, receiver: bob.id, data: { x: 1 } });
      expect(await answer).toEqual({ type: 'a.value', sender: 'server', receiver: ann.id, data: { got: 2 } });
    });

    it('gets the error of the server without a ref', async () => {
      const ann = await joined();
      const error = receives(ann, 'sys.error');
      ann.post('no.such.session', 'cursor');
      expect(await error).toMatchObject({ data: { code: 'receiver_not_found' } });
      expect(await error).not.toHaveProperty('ref');
    });

    it('sends from a listener of the phase open, behind what was queued', async () => {
      const bob = await joined();
      const received: unknown[] = [];
      bob.on('cursor', ({ data }) => received.push(data));
      const ann = join(server.url);
      clients.push(ann);
      const queued = ann.send(bob.id, 'cursor', 'queued');
      const posted = new Promise((resolve) => {
        ann.onState(({ phase }) => phase === 'open' && resolve(ann.post(bob.id, 'cursor', 'posted')));
      });
      expect(await posted).toBe(true);
      await queued;
      await ann.send(bob.id, 'cursor', 'last');
      await bob.request('a.nothing');
      expect(received).toEqual(['queued', 'posted', 'last']);
    });

    it('drops messages without a connection, and sends none of them later', async () => {
      const bob = await joined();
      const received: unknown[] = [];
      bob.on('cursor', ({ data }) => received.push(data));
      const ann = await joined({}, proxy.url);
      const waiting = becomes(ann, 'waiting');
      proxy.disable();
      await waiting;
      expect(ann.post(bob.id, 'cursor', 'dropped')).toBe(false);
      proxy.enable();
      await ann.ready();
      await ann.send(bob.id, 'cursor', 'sent');
      await bob.request('a.nothing');
      expect(received).toEqual(['sent']);
    });

    it('drops messages while the socket is full, and a message that is too long', async () => {
      const ann = await joined({}, proxy.url);
      const failed: string[] = [];
      ann.onError(({ error, type }) => failed.push(`${type} ${(error as { code?: string }).code}`));
      expect(ann.post('*', 'long', 'x'.repeat(5000))).toBe(false);
      expect(failed).toEqual(['long too_big']);
      proxy.stall();
      let posted = 0;
      while (ann.post('*', 'cursor', 'x'.repeat(4000)) && posted < 10_000) posted++;
      expect(posted).toBeLessThan(10_000);
      proxy.enable();
    });
  });
});
