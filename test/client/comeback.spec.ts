import { afterEach, describe, expect, it } from 'vitest';
import type { Client, ConnectOptions } from '../../src/client/connect.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, hears, join } from '../support/switchboard-client.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function joined(url: string, parts?: ConnectOptions): Promise<Client> {
  const client = join(url, parts);
  ends.push(() => client.close());
  await client.ready();
  return client;
}

async function serverProcess(variables: Record<string, string>): Promise<ServerProcess> {
  const server = await ServerProcess.start(variables);
  ends.push(() => server.kill());
  return server;
}

describe('a client whose server', () => {
  it('is killed comes again when it is back, and then sends what waited', async () => {
    const [port] = await freePorts();
    const server = await serverProcess({ PORT: String(port) });
    const ann = await joined(server.url);
    const before = ann.id;
    const away = becomes(ann, 'waiting');
    await server.kill();
    expect(await away).toMatchObject({ code: 1006 });
    expect(ann.id).toBeUndefined();
    const sent = ann.send('*', 'from.before', undefined, { timeoutMs: 60_000 });
    const open = becomes(ann, 'open');
    await serverProcess({ PORT: String(port) });
    expect((await open).id).not.toBe(before);
    expect(await sent).toEqual({ status: 'accepted' });
    expect(ann.id).toBe((await open).id);
  });

  it('drains waits as long as it was asked, and comes again', async () => {
    const [port] = await freePorts();
    const server = await serverProcess({ PORT: String(port), DRAIN_SPREAD_MS: '1500' });
    const ann = await joined(server.url);
    const [asked, away] = [hears(ann, 'sys.reconnect'), becomes(ann, 'waiting')];
    server.signal('SIGTERM');
    expect(await asked).toMatchObject({ data: { afterMs: 1500 } });
    const { code, delayMs } = await away;
    expect(code).toBe(1012);
    expect(delayMs).toBeGreaterThan(200); // no back-off in these tests is as long
    expect(delayMs).toBeLessThanOrEqual(1500);
    await server.ended;
    const open = becomes(ann, 'open');
    await serverProcess({ PORT: String(port) });
    await open;
    expect(await ann.send(ann.id, 'note')).toEqual({ status: 'routed' });
  });
});

describe('a client behind a proxy that', () => {
  let server: TestServer;
  async function proxied(variables: Record<string, string> = {}): Promise<FaultProxy> {
    server = await startServer(variables);
    ends.push(() => server.stop());
    const proxy = await FaultProxy.start(server.port);
    ends.push(() => proxy.stop());
    return proxy;
  }

  it('cuts comes again under another id', async () => {
    const proxy = await proxied();
    const ann = await joined(proxy.url);
    const { id } = ann;
    const [away, open] = [becomes(ann, 'waiting'), becomes(ann, 'open')];
    proxy.cut();
    expect(await away).toMatchObject({ code: 1006 });
    expect((await open).id).not.toBe(id);
  });

  it('cuts says of what was on its way that nobody knows, and never sends it again', async () => {
    const proxy = await proxied();
    const bob = await joined(server.url);
    const heard: string[] = [];
    bob.on('*', ({ type }) => heard.push(type));
    const ann = await joined(proxy.url);
    proxy.discards = 'responses';
    const arrived = hears(bob, 'lost');
    const lost = codeOf(ann.send(bob.id, 'lost'));
    await arrived; // and yet ann cannot know
    proxy.discards = 'nothing';
    const open = becomes(ann, 'open');
    proxy.cut();
    expect(await lost).toBe('unknown_outcome');
    await open;
    await ann.send(bob.id, 'after');
    await bob.send(bob.id, 'end');
    expect(heard.filter((type) => !type.startsWith('sys.'))).toEqual(['lost', 'after', 'end']);
  });

  it('lets nobody through keeps a bounded number of messages, and says what became of each', async () => {
    const proxy = await proxied();
    const ann = await joined(proxy.url, { queueSize: 2 });
    const away = becomes(ann, 'waiting');
    proxy.refusesNew = true;
    proxy.cut();
    await away;
    const [first, second] = [ann.send('*', 'first'), ann.send('*', 'second', 2, { timeoutMs: 50 })];
    await expect(ann.send('*', 'third')).rejects.toMatchObject({ code: 'queue_full', sent: false });
    await expect(second).rejects.toMatchObject({ code: 'timeout', sent: false });
    const open = becomes(ann, 'open');
    proxy.refusesNew = false;
    await open;
    expect(await first).toEqual({ status: 'accepted' });
  });

  it('lets nobody through gives back what waits when it is closed', async () => {
    const proxy = await proxied();
    proxy.refusesNew = true;
    const ann = join(proxy.url);
    const waiting = ann.send('*', 'never');
    await becomes(ann, 'waiting');
    ann.close();
    await expect(waiting).rejects.toMatchObject({ code: 'closed', sent: false });
  });

  it('swallows everything lets a message time out, then gives up the connection and comes again', async () => {
    const proxy = await proxied({ HEARTBEAT_MS: '1000' });
    const ann = await joined(proxy.url);
    const { id } = ann;
    const away = becomes(ann, 'waiting');
    proxy.discards = 'everything';
    await expect(ann.send('*', 'void', 0, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout', sent: true });
    expect(await away).toMatchObject({ code: 1006, reason: 'silent' });
    proxy.discards = 'nothing';
    const open = becomes(ann, 'open');
    expect((await open).id).not.toBe(id);
  });

  it('lets everything through keeps a client that has nothing to say', async () => {
    const proxy = await proxied({ HEARTBEAT_MS: '1000' });
    const ann = await joined(proxy.url);
    const { id } = ann;
    await hears(ann, 'sys.pong');
    await hears(ann, 'sys.pong');
    expect(ann.id).toBe(id);
  });

  it('accepts and never answers is given up in time', async () => {
    const proxy = await proxied();
    proxy.discards = 'everything';
    const ann = join(proxy.url, { timeoutMs: 100 });
    ends.push(() => ann.close());
    expect(await becomes(ann, 'waiting')).toMatchObject({ code: 1006, reason: 'no_welcome' });
    expect(await codeOf(ann.send('*', 'x'))).toBe('timeout');
  });
});
