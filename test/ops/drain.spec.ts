import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';

const MORE_THAN_A_BATCH = 300;

describe('a server that gets a signal', () => {
  let server: ServerProcess | undefined;
  afterEach(() => server?.kill());

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'asks every session to reconnect, each at a different time (%s)',
    async (name) => {
      server = await ServerProcess.start({ DRAIN_SPREAD_MS: '1000' });
      const { url } = server;
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url)));
      server.signal(name);
      const notices = await Promise.all(clients.map((client) => client.next('sys.reconnect')));
      const afterMs = notices.map(({ data }) => data.afterMs as number);
      expect(new Set(afterMs).size).toBe(20);
      expect(Math.max(...afterMs)).toBeLessThanOrEqual(1000);
      expect(notices.map(({ sender, receiver }) => ({ sender, receiver }))).toEqual(
        clients.map(({ id }) => ({ sender: 'server', receiver: id })),
      );
      for (const client of clients) expect(await client.closed).toEqual({ code: 1012, reason: 'service_restart' });
      expect(await server.ended).toEqual({ code: 0, signal: null });
      const drained = server.lines.find(({ message }) => message === 'drained');
      expect(drained).toMatchObject({ sessions: 20, cut: 0 });
      expect(drained!['tookMs']).toBeLessThan(5000);
    },
  );

  it('gives different times even where there are fewer milliseconds than sessions', async () => {
    server = await ServerProcess.start({ DRAIN_SPREAD_MS: '3' });
    const { url } = server;
    const clients = await Promise.all(Array.from({ length: 9 }, () => connect(url)));
    server.signal('SIGTERM');
    const notices = await Promise.all(clients.map((client) => client.next('sys.reconnect')));
    const afterMs = notices.map(({ data }) => data.afterMs as number);
    expect(new Set(afterMs).size).toBe(9);
    expect(Math.max(...afterMs)).toBeLessThanOrEqual(3);
  });

  it('does not wait for idle HTTP connections', async () => {
    server = await ServerProcess.start({ DRAIN_TIMEOUT_MS: '60000' });
    const idle = await opened(Number(new URL(server.url).port));
    server.signal('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    idle.destroy();
  });

  it('sends no departures to sessions that end at the same moment', async () => {
    server = await ServerProcess.start();
    const { url } = server;
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url)));
    server.signal('SIGTERM');
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.flatMap(({ inbox }) => inbox.filter(({ type }) => type === 'sys.departed'))).toEqual([]);
  });

  it('delivers every message that it acknowledged', async () => {
    server = await ServerProcess.start({ ARRIVAL_NOTICES: 'off' });
    const [ann, bob] = await Promise.all([connect(server.url), connect(server.url)]);
    const data = 'x'.repeat(1000);
    for (let id = 0; id < 2000; id++) ann.send({ type: 'chat', receiver: bob.id, id: String(id), data });
    await ann.next('sys.ack');
    server.signal('SIGTERM');
    await Promise.all([ann.closed, bob.closed]);
    const acknowledged = ann.inbox.filter(({ type }) => type === 'sys.ack').map(({ ref }) => ref);
    const delivered = bob.inbox.filter(({ type }) => type === 'chat').map(({ id }) => id);
    expect(delivered.slice(1, acknowledged.length + 1)).toEqual(acknowledged);
  });

  it('cuts connections that do not close, counts them, and exits with 0 in time', async () => {
    server = await ServerProcess.start({ DRAIN_TIMEOUT_MS: '1500' });
    const mute = await openMute(server.url);
    server.signal('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    const drained = server.lines.find(({ message }) => message === 'drained');
    expect(drained).toMatchObject({ sessions: 1, cut: 1 });
    expect(drained!['tookMs']).toBeLessThan(3000);
    mute.destroy();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('drains once where npm repeats its %s at once', async (name) => {
    server = await ServerProcess.start({ DRAIN_TIMEOUT_MS: '1500' });
    const mute = await openMute(server.url);
    server.signal(name);
    await server.logged('draining');
    server.signal(name);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.lines.map(({ message }) => message)).toContain('drained');
    mute.destroy();
  });

  it('exits at once on another signal', async () => {
    server = await ServerProcess.start({ DRAIN_TIMEOUT_MS: '60000' });
    const mute = await openMute(server.url);
    server.signal('SIGTERM');
    await server.logged('draining');
    server.signal('SIGINT');
    expect(await server.ended).toEqual({ code: 130, signal: null });
    mute.destroy();
  });

  it('exits on the same signal after a second', async () => {
    server = await ServerProcess.start({ DRAIN_TIMEOUT_MS: '60000' });
    const mute = await openMute(server.url);
    server.signal('SIGTERM');
    await server.logged('draining');
    const repeats = setInterval(() => server!.signal('SIGTERM'), 100);
    expect(await server.ended).toEqual({ code: 143, signal: null });
    clearInterval(repeats);
    mute.destroy();
  });
});

/** Opens a session over a connection that answers nothing, also no close frame. */
async function openMute(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const mute = connectTcp(Number(port), hostname);
  const lines = Object.entries({ Host: hostname, ...HANDSHAKE }).map(([key, value]) => `${key}: ${value}\r\n`);
  mute.write(`GET /wss HTTP/1.1\r\n${lines.join('')}\r\n`);
  await once(mute, 'data');
  return mute;
}

/** Lets a test decide when a handler finishes. */
class Gate {
  enter!: () => void;
  open!: (answer: string) => void;
  readonly entered = new Promise<void>((resolve) => (this.enter = resolve));
  readonly opened = new Promise<string>((resolve) => (this.open = resolve));
}

describe('while it drains, a server', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  async function withHandler(gate: Gate): Promise<void> {
    @MessagingGateway()
    class Slow {
      @SubscribeMessage('slow')
      async slow(): Promise<string> {
        gate.enter();
        return gate.opened;
      }
    }
    @Module({ providers: [Slow] })
    class Handlers {}
    server = await startServer({}, [Handlers as never]);
  }

  it('rejects new connections, is not ready, serves its sessions and lets a running handler finish', async () => {
    const gate = new Gate();
    await withHandler(gate);
    const origin = `http://127.0.0.1:${server.port}`;
    const [ann, bob] = await Promise.all([connect(server.url), connect(server.url)]);
    expect((await ask(`${origin}/health/ready`)).status).toBe(200);
    ann.send({ type: 'slow', id: 's' });
    await gate.entered;
    const drained = server.app.get(Drain, { strict: false }).run();
    await ann.next('sys.reconnect');

    const ready = await ask(`${origin}/health/ready`);
    expect([ready.status, (await ask(`${origin}/health/live`)).status]).toEqual([503, 200]);
    const refused = await ask(`${origin}/wss`, { headers: HANDSHAKE });
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'draining' } });
    const malformed = await ask(`${origin}/wss`, { headers: { ...HANDSHAKE, 'Sec-WebSocket-Key': 'x' } });
    expect(malformed.status).toBe(400);
    bob.send({ type: 'chat', receiver: ann.id, id: 'm', data: 1 });
    expect((await bob.next('sys.ack')).data).toEqual({ status: 'routed' });

    gate.open('at last');
    expect(await ann.next('slow')).toMatchObject({ ref: 's', data: 'at last' });
    expect(await ann.next('sys.ack')).toMatchObject({ ref: 's', data: { status: 'accepted' } });
    expect((await ann.closed).code).toBe(1012);
    expect(await drained).toMatchObject({ sessions: 2, cut: 0 });
  });

  it('answers 503 with Retry-After to an upgrade request at the very end', async () => {
    server = await startServer({});
    const late = await opened(server.port);
    const closed = server.app.close();
    const lines = Object.entries({ Host: 'localhost', ...HANDSHAKE }).map(([name, value]) => `${name}: ${value}\r\n`);
    late.write(`GET /wss HTTP/1.1\r\n${lines.join('')}\r\n`);
    expect(await text(late)).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After[\s\S]*draining/);
    await closed;
  });

  it('delivers messages sent at the last moment to all sessions of all batches', async () => {
    server = await startServer({});
    const clients = await Promise.all(Array.from({ length: MORE_THAN_A_BATCH }, () => connect(server.url)));
    const switchboard = server.app.get(Switchboard, { strict: false });
    for (const client of clients) switchboard.send('server', client.id, 'last', 1);
    await server.app.get(Drain, { strict: false }).run();
    await Promise.all(clients.map(({ closed }) => closed));
    const types = clients.map(({ inbox }) => inbox.map(({ type }) => type).filter((type) => type !== 'sys.arrived'));
    expect(types).toEqual(clients.map(() => ['last', 'sys.reconnect']));
  });

  it('does not wait for a session of a later batch whose connection is cut before', async () => {
    server = await startServer({ DRAIN_TIMEOUT_MS: '60000', ARRIVAL_NOTICES: 'off' });
    const clients = await Promise.all(Array.from({ length: MORE_THAN_A_BATCH }, () => connect(server.url)));
    const sessions = server.app.get(SessionRegistry);
    const last = [...sessions.all()].at(-1)!;
    sessions.addListener('hooks', { closed: (session) => void (session === last && last.connection!.terminate()) });
    const report = await server.app.get(Drain, { strict: false }).run();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(report).toMatchObject({ sessions: MORE_THAN_A_BATCH, cut: 1 });
  });

  it('sends the departure of a session that leaves by itself to the others', async () => {
    const gate = new Gate();
    await withHandler(gate);
    const [ann, bob] = await Promise.all([connect(server.url), connect(server.url)]);
    ann.send({ type: 'slow' });
    await gate.entered;
    const drained = server.app.get(Drain, { strict: false }).run();
    await bob.next('sys.reconnect');
    await bob.close(1000);
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 1000 } });
    gate.open('');
    await drained;
    expect(ann.inbox.filter(({ type }) => type === 'sys.departed')).toEqual([]);
  });
});

/** Opens a TCP connection and sends nothing. */
async function opened(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
