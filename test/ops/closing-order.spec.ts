import { setImmediate as turn } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/standalone/app.js';
import { ConnectionLimits } from '../../src/gateway/handshake/connection-limits.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import type { Session } from '../../src/sessions/session.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { Cluster } from '../support/cluster.js';
import { keepLogLines } from '../support/log-lines.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

/** The calls of hooks and handlers, in order. */
let order: string[] = [];
/** Lets a test decide when handlers and hooks of sessions end. */
let gate: Promise<unknown> = Promise.resolve();

/** Stands for a connection to a database. */
@Injectable()
class Database {
  onModuleDestroy(): void {
    order.push('onModuleDestroy');
  }

  beforeApplicationShutdown(): void {
    order.push('beforeApplicationShutdown');
  }

  onApplicationShutdown(): void {
    order.push('onApplicationShutdown');
  }
}

@MessagingGateway()
class Recorder {
  @SubscribeMessage('record')
  async record(): Promise<string> {
    order.push('handler began');
    await gate;
    order.push('handler ended');
    return 'recorded';
  }

  async onSessionDeparture(_: Session, code: number): Promise<void> {
    await gate;
    await turn();
    order.push(`onSessionDeparture ${code}`);
  }

  async handleDisconnect(): Promise<void> {
    await gate;
    await turn();
    order.push('handleDisconnect');
  }
}

@Module({ providers: [Database, Recorder] })
class Recording {}

const HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'];

describe('app.close()', () => {
  const log = keepLogLines();
  let server: TestServer;
  afterEach(() => server.stop());

  async function start(variables: Record<string, string> = {}): Promise<void> {
    order = [];
    gate = Promise.resolve();
    server = await startServer({ LOG_LEVEL: 'warn', ...variables }, [Recording]);
  }

  it('asks sessions to reconnect, closes them with 1012, and ends their hooks before those of providers', async () => {
    await start();
    const client = await server.connect();
    await server.app.close();
    expect(await client.closed).toEqual({ code: 1012, reason: 'service_restart' });
    expect(client.inbox.map(({ type }) => type)).toEqual(['sys.reconnect']);
    expect(order.slice(0, 2).toSorted()).toEqual(['handleDisconnect', 'onSessionDeparture 1012']);
    expect(order.slice(2)).toEqual(HOOKS);
  });

  it('lets a running handler finish and refuses new connections meanwhile', async () => {
    await start();
    let open!: (value: unknown) => void;
    gate = new Promise((resolve) => (open = resolve));
    const client = await server.connect();
    client.send({ type: 'record', id: '1' });
    while (order.length === 0) await turn();
    const closed = server.app.close();
    await client.next('sys.reconnect');
    const origin = `http://127.0.0.1:${server.port}`;
    expect((await ask(`${origin}/health/ready`)).status).toBe(503);
    const refused = await ask(`${origin}/wss`, { headers: HANDSHAKE });
    expect([refused.status, JSON.parse(refused.body)]).toMatchObject([503, { error: { code: 'draining' } }]);
    open('');
    expect(await client.next('record')).toMatchObject({ ref: '1', data: 'recorded' });
    await closed;
    expect(order.slice(0, 2)).toEqual(['handler began', 'handler ended']);
    expect(order.slice(-3)).toEqual(HOOKS);
  });

  it('waits for the hooks of a session that has just left', async () => {
    await start();
    let open!: (value: unknown) => void;
    gate = new Promise((resolve) => (open = resolve));
    const client = await server.connect();
    await client.close(1000); // the server has answered the close frame, so that the session is gone
    const closed = server.app.close();
    await turn();
    open('');
    await closed;
    expect(order.slice(0, 2).toSorted()).toEqual(['handleDisconnect', 'onSessionDeparture 1000']);
    expect(order.slice(2)).toEqual(HOOKS);
  });

  it('waits for the disconnect hook of a closed session whose client does not hang up', async () => {
    await start();
    const mute = await RawClient.open(server.port);
    server.app.get(Switchboard).close(mute.id);
    await server.app.close();
    expect(order).toEqual(['onSessionDeparture 4000', 'handleDisconnect', ...HOOKS]);
    mute.socket.destroy();
  });

  it('goes on without a departure hook that does not end, and logs that', async () => {
    await start({ DRAIN_TIMEOUT_MS: '500' });
    gate = new Promise(() => undefined);
    const client = await server.connect();
    await server.app.close();
    expect((await client.closed).code).toBe(1012);
    expect(order).toEqual(HOOKS);
    expect(log.filter((line) => line.includes('departure hooks still run'))).toEqual([
      expect.stringMatching(/warn .* hooks=2/),
    ]);
  });

  it('ends open requests before the time is over, so that shutdown hooks are called', async () => {
    await start({ DRAIN_TIMEOUT_MS: '1000' });
    gate = new Promise(() => undefined); // the drain waits for departure hooks as long as it may
    const stop = vi.spyOn(server.app.get(ConnectionLimits), 'stop');
    await server.connect();
    await server.app.close();
    // The drain ends after 95 % of the time, and the process exits after 97 %.
    expect(stop).toHaveBeenCalledOnce();
    expect(stop.mock.calls[0]![0]).toBeLessThanOrEqual(10);
    expect(order.slice(-3)).toEqual(HOOKS);
  });

  it('drains once and calls each hook once where it is called twice at the same time', async () => {
    await start({ LOG_LEVEL: 'info' });
    const client = await server.connect();
    await Promise.all([server.app.close(), server.app.close()]);
    expect((await client.closed).code).toBe(1012);
    expect(client.inbox.map(({ type }) => type)).toEqual(['sys.reconnect']);
    expect(order.filter((each) => HOOKS.includes(each))).toEqual(HOOKS);
    expect(log.flatMap((line) => /info +(drain\w+)/.exec(line)?.[1] ?? [])).toEqual(['draining', 'drained']);
  });
});

it('an application that was never started closes', async () => {
  const app = await createApp({ variables: { LOG_LEVEL: 'error' } });
  await app.close();
});

it('a node that app.close() stops leaves its cluster as a drained one', async () => {
  const cluster = await Cluster.start(2, { NODE_TIMEOUT_MS: '60000' });
  const [first, second] = cluster.nodes as [TestServer, TestServer];
  const [leaving, staying] = [await first.connect(), await second.connect()];
  await cluster.settled();
  await first.app.close();
  expect(await staying.next('sys.departed')).toMatchObject({ sender: leaving.id, data: { code: 1012 } });
  await cluster.stop();
});
