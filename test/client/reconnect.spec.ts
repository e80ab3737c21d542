import { afterEach, describe, expect, it } from 'vitest';
import type { Client, ConnectOptions } from '../../packages/client/src/connect.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, receives, join } from '../support/switchboard-client.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function joined(url: string, options?: ConnectOptions): Promise<Client> {
  const client = join(url, options);
  cleanups.push(() => client.close());
  await client.ready();
  return client;
}

async function serverProcess(variables: Record<string, string>): Promise<ServerProcess> {
  const server = await ServerProcess.start(variables);
  cleanups.push(() => server.kill());
  return server;
}

describe('a client whose server', () => {
  it('is killed reconnects when it has restarted, and then sends queued messages', async () => {
    const [port] = await freePorts();
    const server = await serverProcess({ PORT: String(port) });
    const ann = await joined(server.url);
    const before = ann.id;
    const waiting = becomes(ann, 'waiting');
    await server.kill();
    expect(await waiting).toMatchObject({ code: 1006 });
    expect(ann.id).toBeUndefined();
    const sent = ann.send('*', 'from.before', undefined, { timeoutMs: 60_000 });
    const open = becomes(ann, 'open');
    await serverProcess({ PORT: String(port) });
    expect((await open).id).not.toBe(before);
    expect(await sent).toEqual({ status: 'accepted' });
    expect(ann.id).toBe((await open).id);
  });

  it('drains waits for the time in sys.reconnect, and reconnects', async () => {
    const [port] = await freePorts();
    const server = await serverProcess({ PORT: String(port), DRAIN_SPREAD_MS: '1500' });
    const ann = await joined(server.url);
    const [notice, waiting] = [receives(ann, 'sys.reconnect'), becomes(ann, 'waiting')];
    server.signal('SIGTERM');
    expect(await notice).toMatchObject({ data: { afterMs: 1500 } });
    const { code, delayMs } = await waiting;
    expect(code).toBe(1012);
    expect(delayMs).toBeGreaterThan(200); // longer than any back-off in these tests
    expect(delayMs).toBeLessThanOrEqual(1500);
    await server.ended;
    const open = becomes(ann, 'open');
    await serverProcess({ PORT: String(port) });
    await open;
    expect(await ann.send(ann.id, 'note')).toEqual({ status: 'routed' });
  });
});

describe('a client that does not resume, behind a proxy that', () => {
  let server: TestServer;
  async function proxied(variables: Record<string, string> = {}): Promise<FaultProxy> {
    server = await startServer(variables);
    cleanups.push(() => server.stop());
    const proxy = await FaultProxy.start(server.port);
    cleanups.push(() => proxy.stop());
    return proxy;
  }

  it('cuts the connection reconnects with a new id', async () => {
    const proxy = await proxied();
    const ann = await joined(proxy.url, { resume: false });
    const { id } = ann;
    const [waiting, open] = [becomes(ann, 'waiting'), becomes(ann, 'open')];
    proxy.cut();
    expect(await waiting).toMatchObject({ code: 1006 });
    expect((await open).id).not.toBe(id);
  });

  it('cuts the connection rejects unanswered messages, and never sends them again', async () => {
    const proxy = await proxied();
    const bob = await joined(server.url);
    const received: string[] = [];
    bob.on('*', ({ type }) => received.push(type));
    const ann = await joined(proxy.url, { resume: false });
    proxy.discards = 'responses';
    const arrived = receives(bob, 'lost');
    const lost = codeOf(ann.send(bob.id, 'lost'));
    await arrived; // the acknowledgement does not arrive
    proxy.discards = 'nothing';
    const open = becomes(ann, 'open');
    proxy.cut();
    expect(await lost).toBe('unknown_outcome');
    await open;
    await ann.send(bob.id, 'after');
    await bob.send(bob.id, 'end');
    expect(received.filter((type) => !type.startsWith('sys.'))).toEqual(['lost', 'after', 'end']);
  });

  it('accepts no connection queues a bounded number of messages, and settles each', async () => {
    const proxy = await proxied();
    const ann = await joined(proxy.url, { queueSize: 2 });
    const waiting = becomes(ann, 'waiting');
    proxy.refusesNew = true;
    proxy.cut();
    await waiting;
    const [first, second] = [ann.send('*', 'first'), ann.send('*', 'second', 2, { timeoutMs: 50 })];
    await expect(ann.send('*', 'third')).rejects.toMatchObject({ code: 'queue_full', sent: false });
    await expect(second).rejects.toMatchObject({ code: 'timeout', sent: false });
    const open = becomes(ann, 'open');
    proxy.refusesNew = false;
    await open;
    expect(await first).toEqual({ status: 'accepted' });
  });

  it('accepts no connection rejects queued messages on close', async () => {
    const proxy = await proxied();
    proxy.refusesNew = true;
    const ann = join(proxy.url);
    const never = ann.send('*', 'never');
    await becomes(ann, 'waiting');
    ann.close();
    await expect(never).rejects.toMatchObject({ code: 'closed', sent: false });
  });

  it('drops all data lets a message time out, then closes the silent connection and reconnects', async () => {
    const proxy = await proxied({ HEARTBEAT_MS: '1000' });
    const ann = await joined(proxy.url, { resume: false });
    const { id } = ann;
    const waiting = becomes(ann, 'waiting');
    proxy.discards = 'everything';
    await expect(ann.send('*', 'void', 0, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout', sent: true });
    expect(await waiting).toMatchObject({ code: 1006, reason: 'silent' });
    proxy.discards = 'nothing';
    const open = becomes(ann, 'open');
    expect((await open).id).not.toBe(id);
  });

  it('forwards all data keeps an idle connection open', async () => {
    const proxy = await proxied({ HEARTBEAT_MS: '1000' });
    const ann = await joined(proxy.url);
    const { id } = ann;
    await receives(ann, 'sys.pong');
    await receives(ann, 'sys.pong');
    expect(ann.id).toBe(id);
  });

  it('forwards all data reconnects at once on demand, and rejects what is unanswered', async () => {
    const proxy = await proxied();
    const ann = await joined(proxy.url, { minDelayMs: 60_000, maxDelayMs: 60_000, resume: false });
    const bob = await joined(server.url);
    const departed = receives(bob, 'sys.departed');
    const { id } = ann;
    const [lost, waiting, open] = [codeOf(ann.send('*', 'lost')), becomes(ann, 'waiting'), becomes(ann, 'open')];
    ann.reconnect();
    expect(await waiting).toMatchObject({ code: 1006, reason: 'reconnect' });
    expect(await lost).toBe('unknown_outcome');
    expect((await open).id).not.toBe(id);
    expect(await departed).toMatchObject({ sender: id });
  });

  it('accepted no connection is tried at once on demand', async () => {
    const proxy = await proxied();
    const ann = await joined(proxy.url, { minDelayMs: 60_000, maxDelayMs: 60_000 });
    const waiting = becomes(ann, 'waiting');
    proxy.disable();
    await waiting;
    proxy.enable();
    const open = becomes(ann, 'open');
    ann.reconnect();
    ann.reconnect(); // a second call finds the attempt of the first
    await open;
    expect(await ann.who()).toHaveLength(1);
    ann.close();
    ann.reconnect();
    expect(ann.phase).toBe('closed');
  });

  it('never answers is abandoned after the timeout', async () => {
    const proxy = await proxied();
    proxy.discards = 'everything';
    const ann = join(proxy.url, { timeoutMs: 100 });
    cleanups.push(() => ann.close());
    expect(await becomes(ann, 'waiting')).toMatchObject({ code: 1006, reason: 'no_welcome' });
    expect(await codeOf(ann.send('*', 'x'))).toBe('timeout');
  });
});
