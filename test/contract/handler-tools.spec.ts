import { Injectable, Module, Scope } from '@nestjs/common';
import {
  SubscribeMessage,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  MessagingGateway,
  Sender,
  SERVER,
  Session,
  SessionState,
  Switchboard,
  type OnSessionArrival,
  type OnSessionDeparture,
} from '../../src/index.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

/** Records the hook calls of one server. */
@Injectable()
class HookLog {
  readonly calls: string[] = [];
  gate: Promise<void> | undefined;
}

@MessagingGateway()
class FailingGateway implements OnSessionArrival, OnSessionDeparture {
  constructor(private readonly hookLog: HookLog) {}

  onSessionArrival(): void {
    this.hookLog.calls.push('first arrival');
    throw new Error('arrival of the first');
  }

  async onSessionDeparture(): Promise<void> {
    this.hookLog.calls.push('first departure');
    await Promise.resolve();
    throw new Error('departure of the first');
  }
}

@MessagingGateway()
class CountingGateway implements OnSessionArrival, OnSessionDeparture {
  readonly counts = new SessionState(() => ({ messages: 0 }));

  constructor(
    private readonly hookLog: HookLog,
    private readonly switchboard: Switchboard,
  ) {}

  async onSessionArrival(session: Session): Promise<void> {
    this.hookLog.calls.push(`second arrival, ${this.counts.of(session).messages} messages`);
    await this.hookLog.gate;
  }

  onSessionDeparture(session: Session, code: number): void {
    this.hookLog.calls.push(`second departure, ${this.counts.of(session).messages} messages, ${code}`);
    this.switchboard.broadcast(SERVER, 'departures', this.hookLog.calls.length);
  }

  @SubscribeMessage('count')
  count(@Sender() sender: Session): number {
    return ++this.counts.of(sender).messages;
  }
}

/** Fails in every Nest hook, at once or later. */
@MessagingGateway()
class UnluckyGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect, OnSessionArrival {
  afterInit(): Promise<never> {
    return Promise.reject(new Error('an unlucky start'));
  }

  async handleConnection(): Promise<never> {
    await Promise.resolve();
    throw new Error('an unlucky connection');
  }

  handleDisconnect = (): never => {
    throw new Error('an unlucky disconnection');
  };

  onSessionArrival(): Promise<never> {
    // An error that cannot be converted to a string.
    return Promise.reject(Object.create(null) as Error);
  }

  onSessionDeparture(): Promise<never> {
    return Promise.reject(undefined);
  }
}

/** A provider of request scope, one for each connection. */
@Injectable({ scope: Scope.REQUEST })
@MessagingGateway()
class PassingGateway implements OnGatewayConnection {
  async handleConnection(): Promise<never> {
    return Promise.reject(new Error('a passing failure'));
  }
}

@Module({ providers: [UnluckyGateway, PassingGateway] })
class UnluckyModule {}

@Module({ providers: [HookLog, FailingGateway, CountingGateway] })
class ToolsModule {}

describe('the tools of handlers', () => {
  let app: TestServer;
  let switchboard: Switchboard;
  let hookLog: HookLog;
  const lines = keepLogLines();

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off', HEARTBEAT_MS: '1000' }, [ToolsModule]);
    switchboard = app.app.get(Switchboard, { strict: false });
    hookLog = app.app.get(HookLog, { strict: false });
  });
  afterEach(() => app.stop());

  it('call the hooks of arrivals and departures in order, even if a hook throws', async () => {
    const [alice, bob] = [await app.connect(), await app.connect()];
    alice.send({ type: 'count' });
    expect((await alice.next('count')).data).toBe(1);
    alice.send({ type: 'count' });
    expect((await alice.next('count')).data).toBe(2);
    await alice.close(1000);
    expect((await bob.next('departures')).data).toBe(6);
    expect(hookLog.calls).toEqual([
      'first arrival',
      'second arrival, 0 messages',
      'first arrival',
      'second arrival, 0 messages',
      'first departure',
      'second departure, 2 messages, 1000',
    ]);
    const logged = lines.filter((line) => line.includes('of the first'));
    expect(logged.map((line) => /hook=\S+/.exec(line)?.[0])).toEqual([
      'hook=FailingGateway.onSessionArrival',
      'hook=FailingGateway.onSessionArrival',
      'hook=FailingGateway.onSessionDeparture',
    ]);
  });

  it('call the departure hooks only after the arrival hooks are done', async () => {
    const bob = await app.connect();
    let open = (): void => undefined;
    hookLog.gate = new Promise((resolve) => (open = resolve));
    const alice = await app.connect();
    await alice.close();
    await bob.next('sys.departed');
    await bob.settled();
    expect(hookLog.calls).not.toContain('first departure');
    open();
    await bob.next('departures');
    expect(hookLog.calls.slice(-2)).toEqual(['first departure', 'second departure, 0 messages, 1005']);
  });

  it('release the state of a session with the session', async () => {
    const states = new SessionState(() => ({ large: true }));
    const clients = await Promise.all(Array.from({ length: 20 }, () => app.connect()));
    const refs = clients.map(({ id }) => new WeakRef(states.of(switchboard.find(id)!)));
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = (): number => (collect(), refs.filter((ref) => ref.deref() !== undefined).length);
    await clients[0]!.settled();
    expect(held()).toBe(20);
    await Promise.all(clients.map((client) => client.close()));
    // The heartbeat holds a session until its next tick; Nest holds the last session opened and the last closed.
    await expect.poll(held).toBeLessThanOrEqual(2);
    expect(states).toBeInstanceOf(SessionState); // keeps `states` alive until here
  });

  it('find, list and close sessions', async () => {
    const all = [await app.connect(), await app.connect(), await app.connect()];
    const ids = all.map(({ id }) => id).toSorted();
    const first = switchboard.list({ limit: 2 });
    expect(first.sessions.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first).toMatchObject({ total: 3, next: ids[1] });
    const second = switchboard.list({ after: first.next! });
    expect(second.sessions.map(({ id }) => id)).toEqual(ids.slice(2));
    expect(second.next).toBeUndefined();
    expect(() => switchboard.list({ limit: 1001 })).toThrow('limit must be a whole number from 1 to 1000');
    expect(switchboard.find(all[0]!.id)?.id).toBe(all[0]!.id);
    expect(switchboard.close(all[0]!.id)).toBe(true);
    expect(await all[0]!.closed).toEqual({ code: 4000, reason: 'kicked' });
    expect(switchboard.close(all[0]!.id)).toBe(false);
    expect(switchboard.find(all[0]!.id)).toBeUndefined();
  });

  it('send to one and to all, and never with a type of the server', async () => {
    const [alice, bob] = [await app.connect(), await app.connect()];
    const sender = switchboard.find(alice.id)!;
    expect(switchboard.broadcast(sender, 'news', [1])).toBe(0);
    expect(await bob.next('news')).toEqual({ type: 'news', sender: alice.id, receiver: '*', data: [1] });
    switchboard.send(SERVER, alice.id, 'news');
    expect(await alice.next('news')).toEqual({ type: 'news', sender: 'server', receiver: alice.id });
    expect(() => switchboard.send(SERVER, 'nobody', 'news')).toThrow('No session has this id.');
    expect(() => switchboard.broadcast(SERVER, 'sys.welcome')).toThrow('which no application message may have');
  });
});

describe("Nest's hooks of a gateway", () => {
  const lines = keepLogLines();

  it('are logged if they fail, and the server keeps running', async () => {
    const app = await startServer({}, [UnluckyModule]);
    const [alice, bob] = [await app.connect(), await app.connect()];
    await alice.close();
    await bob.next('sys.departed');
    await bob.settled();
    await app.stop();
    const count = (text: string): number => lines.filter((line) => line.includes(text)).length;
    expect(count('an unlucky start')).toBe(1);
    expect(count('an unlucky connection')).toBe(2);
    expect(count('hook=UnluckyGateway.handleConnection')).toBe(2);
    expect(count('a passing failure')).toBe(2);
    expect(count('an unlucky disconnection')).toBeGreaterThan(0);
    expect(count('hook=UnluckyGateway.onSessionArrival')).toBe(2);
    expect(count('hook=UnluckyGateway.onSessionDeparture')).toBeGreaterThan(0);
  });
});
