import { Injectable, Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException, type OnGatewayConnection } from '@nestjs/websockets';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway, type OnSessionArrival, type OnSessionDeparture, type Session } from '../../src/index.js';
import { Deferred } from '../support/deferred.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const tenant = new AsyncLocalStorage<string>();

/** Holds the hooks of a test open, and records the order of calls. */
@Injectable()
class Gate {
  readonly calls: string[] = [];
  hold = new Deferred();
  /** Resolves with the session whose hook has begun. */
  begun = new Deferred<Session>();
  closesFirst = false;

  begin(session: Session): Promise<void> {
    if (this.closesFirst) session.close(4000);
    this.begun.resolve(session);
    return this.hold.promise;
  }
}

@MessagingGateway()
class ProfileGateway implements OnSessionArrival, OnSessionDeparture {
  constructor(private readonly gate: Gate) {}

  async onSessionArrival(session: Session): Promise<void> {
    tenant.enterWith('of an arrival hook');
    await this.gate.begin(session);
    this.gate.calls.push('arrived');
  }

  onSessionDeparture(_: Session, code: number): void {
    this.gate.calls.push(`departed with ${code}`);
  }

  @SubscribeMessage('profile')
  profile(@MessageBody() body: unknown): string {
    this.gate.calls.push(`profile ${String(body)}`);
    return tenant.getStore() ?? 'no tenant';
  }
}

/** Sets a session up in Nest's hook. */
@MessagingGateway()
class ConnectionGateway implements OnGatewayConnection {
  constructor(private readonly gate: Gate) {}

  async handleConnection({ session }: GatewaySocket): Promise<void> {
    tenant.enterWith('of a connection hook');
    await this.gate.begin(session!);
    this.gate.calls.push('connected');
  }

  handleDisconnect(_: GatewaySocket, code: number): void {
    this.gate.calls.push(`disconnected with ${code}`);
  }

  @SubscribeMessage('profile')
  profile(@MessageBody() body: unknown): string {
    this.gate.calls.push(`profile ${String(body)}`);
    return tenant.getStore() ?? 'no tenant';
  }
}

@Module({ providers: [Gate, ProfileGateway] })
class ProfileModule {}
@Module({ providers: [Gate, ConnectionGateway] })
class ConnectionModule {}

const HOOKS = [
  { hook: 'onSessionArrival', module: ProfileModule, name: 'ProfileGateway', done: 'arrived', left: 'departed' },
  {
    hook: 'handleConnection',
    module: ConnectionModule,
    name: 'ConnectionGateway',
    done: 'connected',
    left: 'disconnected',
  },
];

describe.each(HOOKS)('a promise of $hook', ({ hook, module, name, done, left }) => {
  let app: TestServer;
  let gate: Gate;
  const lines = keepLogLines();

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    app = await startServer({ ARRIVAL_NOTICES: 'off', ...variables }, [module]);
    gate = app.app.get(Gate, { strict: false });
  };
  beforeEach(() => start());
  afterEach(() => app.stop());

  it('holds back the handled messages of the session, in order', async () => {
    const alice = await app.connect();
    for (const data of [1, 2, 3]) alice.send({ type: 'profile', id: `${data}`, data });
    await alice.settled();
    expect(gate.calls).toEqual([]);
    gate.hold.resolve();
    await alice.answer('3');
    expect(gate.calls).toEqual([done, 'profile 1', 'profile 2', 'profile 3']);
  });

  it('holds back no routed message, no request to the server and no other session', async () => {
    const alice = await app.connect();
    await gate.begun.promise;
    const { hold } = gate;
    gate.hold = new Deferred();
    gate.hold.resolve();
    const bob = await app.connect();
    alice.send({ type: 'profile', id: '1' });
    alice.send({ type: 'chat', receiver: bob.id, data: 'at once' });
    expect((await bob.next('chat')).data).toBe('at once');
    alice.send({ type: 'sys.who', id: '2' });
    expect((await alice.next('sys.sessions')).data.total).toBe(2);
    bob.send({ type: 'profile', id: '3', data: 'of bob' });
    await bob.answer('3');
    expect(gate.calls).toEqual([done, 'profile of bob']);
    hold.resolve();
    await alice.answer('1');
  });

  it('keeps waiting messages within the bounds of the handler queue', async () => {
    const alice = await app.connect();
    for (let id = 1; id <= 65; id++) alice.send({ type: 'profile', id: `${id}` });
    expect((await alice.next('sys.error')).data.code).toBe('rate_limited');
    gate.hold.resolve();
    await alice.answer('64');
    expect(gate.calls).toHaveLength(65);
  });

  it('keeps waiting bytes within HANDLER_QUEUE_BYTES', async () => {
    await app.stop();
    await start({ HANDLER_QUEUE_BYTES: '4096' });
    const alice = await app.connect();
    for (const id of ['1', '2']) alice.send({ type: 'profile', id, data: 'x'.repeat(3000) });
    expect(await alice.next('sys.error')).toMatchObject({ ref: '2', data: { code: 'rate_limited' } });
    gate.hold.resolve();
    await alice.answer('1');
  });

  it('lets the messages go on when it rejects, and is logged', async () => {
    const alice = await app.connect();
    alice.send({ type: 'profile', id: '1', data: 1 });
    gate.hold.reject(new WsException('no such tenant'));
    await alice.answer('1');
    expect(gate.calls).toEqual(['profile 1']);
    const logged = lines.filter((line) => line.includes('no such tenant'));
    expect(logged.map((line) => /hook=\S+/.exec(line)?.[0])).toEqual([`hook=${name}.${hook}`]);
  });

  it('lets the messages go on after HANDLER_TIMEOUT_MS, and is logged', async () => {
    await app.stop();
    await start({ HANDLER_TIMEOUT_MS: '50' });
    const alice = await app.connect();
    alice.send({ type: 'profile', id: '1', data: 1 });
    await alice.answer('1');
    expect(gate.calls).toEqual(['profile 1']);
    const logged = lines.filter((line) => line.includes('exceeded HANDLER_TIMEOUT_MS'));
    expect(logged.map((line) => /hook=\S+/.exec(line)?.[0])).toEqual([`hook=${name}.${hook}`]);
    gate.hold.reject(new Error('too late'));
    await alice.settled();
    expect(lines.some((line) => line.includes('too late'))).toBe(true);
  });

  it('runs nothing of a session that the hook closes', async () => {
    const alice = await app.connect();
    alice.send({ type: 'profile', data: 1 });
    await alice.settled();
    (await gate.begun.promise).close(4000);
    gate.hold.resolve();
    expect((await alice.closed).code).toBe(4000);
    await expect.poll(() => gate.calls).toEqual([done, `${left} with 4000`]);
  });

  it('settles before the hooks of the departure run where the hook closes the session before it waits', async () => {
    gate.closesFirst = true;
    const alice = await app.connect();
    await alice.closed;
    expect(gate.calls).toEqual([]);
    gate.hold.resolve();
    await expect.poll(() => gate.calls).toEqual([done, `${left} with 4000`]);
  });

  it('settles before the hooks of the departure run', async () => {
    const alice = await app.connect();
    alice.send({ type: 'profile', data: 1 });
    const bob = await app.connect();
    await alice.close(1000);
    await bob.next('sys.departed');
    await bob.settled();
    expect(gate.calls).toEqual([]);
    gate.hold.resolve();
    await expect.poll(() => gate.calls).toEqual([done, done, `${left} with 1000`]);
  });

  it('has an async context of its own', async () => {
    gate.hold.resolve();
    const alice = await app.connect();
    alice.send({ type: 'profile', id: '1' });
    expect((await alice.answer('1')).data).toBe('no tenant');
    const bob = await app.connect();
    bob.send({ type: 'profile', id: '1' });
    expect((await bob.answer('1')).data).toBe('no tenant');
  });
});

describe('a hook that closes the session at once', () => {
  const ran: string[] = [];

  @MessagingGateway()
  class ClosingGateway implements OnSessionArrival {
    onSessionArrival(session: Session): void {
      if (session.user === undefined) session.close(4000);
    }

    @SubscribeMessage('profile')
    profile(): void {
      ran.push('profile');
    }
  }

  @MessagingGateway()
  class ClosingInNestsHook implements OnGatewayConnection {
    handleConnection(client: GatewaySocket): void {
      client.close(4003, 'no key');
    }

    @SubscribeMessage('profile')
    profile(): void {
      ran.push('profile');
    }
  }

  it.each([
    ['onSessionArrival', ClosingGateway, { code: 4000, reason: 'kicked' }],
    ['handleConnection', ClosingInNestsHook, { code: 4003, reason: 'no key' }],
  ])('in %s lets no message of it run', async (_, gateway, closed) => {
    @Module({ providers: [gateway] })
    class ClosingModule {}
    const app = await startServer({}, [ClosingModule]);
    const alice = await app.connect();
    alice.send({ type: 'profile' });
    expect(await alice.closed).toEqual(closed);
    await app.stop();
    expect(ran).toEqual([]);
  });
});
