import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client, ConnectOptions, StateChange } from '../../packages/client/src/connect.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { PageEvents } from '../support/page-events.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, join, receives } from '../support/switchboard-client.js';
import { TicksGateway } from '../support/ticks.gateway.js';

@Module({ providers: [TicksGateway] })
class HandlersUnderTest {}

describe('a client whose connection is lost', () => {
  let server: TestServer;
  let proxy: FaultProxy;
  const clients: Client[] = [];
  beforeEach(async () => {
    await start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await stop();
  });

  async function start(variables: Record<string, string> = {}): Promise<void> {
    server = await startServer({ AWAY_NOTICE_MS: '1', ...variables }, [HandlersUnderTest]);
    proxy = await FaultProxy.start(server.port);
  }

  async function stop(): Promise<void> {
    await proxy.stop();
    await server.stop();
  }

  async function connected(options: ConnectOptions = {}, url = proxy.url): Promise<Client> {
    const client = join(url, options);
    clients.push(client);
    await client.ready();
    return client;
  }

  /** Connects a client whose connection stays. */
  const steady = () => connected({}, server.url);

  /** Loses all connections of the proxy until {@link back}. */
  async function lose(client: Client): Promise<void> {
    const waiting = becomes(client, 'waiting');
    proxy.disable();
    expect(await waiting).toMatchObject({ away: true });
  }

  async function back(client: Client): Promise<StateChange> {
    const open = becomes(client, 'open');
    proxy.discards = 'nothing';
    proxy.enable();
    return open;
  }

  it('is the same session afterwards, of which no departure is sent', async () => {
    const [ann, bob] = [await connected(), await steady()];
    const { id } = ann;
    const notices: string[] = [];
    for (const type of ['sys.away', 'sys.back', 'sys.departed'])
      bob.on(type, ({ sender }) => sender === id && notices.push(type));
    const away = receives(bob, 'sys.away');
    await lose(ann);
    await away;
    expect(await bob.who()).toContainEqual({ id, away: true });
    expect(await back(ann)).toEqual({ phase: 'open', id, resumed: true });
    await bob.send(id!, 'note');
    expect(await bob.who()).toContainEqual(id);
    expect(notices).toEqual(['sys.away', 'sys.back']);
  });

  it('gets what was sent meanwhile, once and in order, and sends what waited', async () => {
    const [ann, bob] = [await connected(), await steady()];
    const { id } = ann;
    const [atAnn, atBob]: [unknown[], unknown[]] = [[], []];
    ann.on('n', ({ data }) => atAnn.push(data));
    bob.on('n', ({ data }) => atBob.push(data));
    await bob.send(id!, 'n', 0);
    await lose(ann);
    const fromAnn = [1, 2, 3].map((n) => ann.send(bob.id, 'n', n));
    const acks = [await bob.send(id!, 'n', 1), await bob.send('*', 'n', 2), await bob.send(id!, 'n', 3)];
    expect(acks.map(({ status }) => status)).toEqual(['held', 'accepted', 'held']);
    await back(ann);
    expect((await Promise.all(fromAnn)).map(({ status }) => status)).toEqual(['routed', 'routed', 'routed']);
    await bob.send(id!, 'n', 4);
    await ann.send(ann.id, 'last');
    expect([atAnn, atBob]).toEqual([
      [0, 1, 2, 3, 4],
      [1, 2, 3],
    ]);
  });

  it.each(['responses', 'everything'] as const)('keeps a promise where the network dropped %s before', async (what) => {
    const [ann, bob] = [await connected(), await steady()];
    const received: unknown[] = [];
    bob.on('n', ({ data }) => received.push(data));
    proxy.discards = what;
    const sent = [1, 2].map((n) => ann.send(bob.id, 'n', n));
    await lose(ann);
    await back(ann);
    expect(await Promise.all(sent)).toEqual([{ status: 'routed' }, { status: 'routed' }]);
    await bob.send(bob.id, 'end');
    expect(received).toEqual([1, 2]);
  });

  it('goes on with a stream, with the values of the time without a connection', async () => {
    const ann = await connected();
    const stream = ann.stream('ticks');
    const { ticks } = server.app.get(TicksGateway);
    await ann.send(ann.id, 'note'); // the handler has subscribed
    ticks.next(1);
    expect((await stream.next()).value).toBe(1);
    await lose(ann);
    ticks.next(2);
    await back(ann);
    ticks.next(3);
    expect([(await stream.next()).value, (await stream.next()).value]).toEqual([2, 3]);
  });

  it('stays in its rooms and keeps its watches, without asking again', async () => {
    const [ann, bob] = [await connected(), await steady()];
    await ann.join('garden');
    await bob.join('garden');
    const notices: string[] = [];
    for (const type of ['sys.joined', 'sys.left']) bob.on(type, () => notices.push(type));
    const answers: string[] = [];
    ann.on('sys.members', ({ type }) => answers.push(type));
    await lose(ann);
    await bob.send('#garden', 'chat', 'hello');
    const chat = receives(ann, 'chat');
    await back(ann);
    expect(await chat).toMatchObject({ receiver: '#garden', data: 'hello' });
    expect(await ann.send('#garden', 'chat')).toEqual({ status: 'accepted' });
    expect([notices, answers]).toEqual([[], []]);
  });

  it('looks at once when its page is shown', async () => {
    const page = new PageEvents();
    const ann = await connected({ WebSocket: page.socketClass(), minDelayMs: 3_600_000, maxDelayMs: 3_600_000 });
    const { id } = ann;
    await lose(ann);
    proxy.enable();
    const open = becomes(ann, 'open');
    page.becomes('visible');
    expect(await open).toEqual({ phase: 'open', id, resumed: true });
  });

  it('is away while its page is frozen, and keeps its promises', async () => {
    const page = new PageEvents();
    const [ann, bob] = [await connected({ WebSocket: page.socketClass() }), await steady()];
    const { id } = ann;
    const away = receives(bob, 'sys.away');
    const unanswered = ann.send('*', 'unanswered');
    page.emit('freeze');
    expect(await away).toMatchObject({ sender: id });
    const open = becomes(ann, 'open');
    page.emit('resume');
    expect(await open).toEqual({ phase: 'open', id, resumed: true });
    expect(await unanswered).toEqual({ status: 'accepted' });
  });

  it('reconnects on demand as the same session', async () => {
    const ann = await connected();
    const { id } = ann;
    const [sent, open] = [ann.send(id, 'note'), becomes(ann, 'open')];
    ann.reconnect();
    expect(await open).toEqual({ phase: 'open', id, resumed: true });
    expect(await sent).toEqual({ status: 'routed' });
  });

  it('has seen everything when it closes, so that no sender gets sys.undelivered', async () => {
    const [ann, bob] = [await connected(), await steady()];
    const { id } = ann;
    const undelivered: unknown[] = [];
    bob.on('sys.undelivered', ({ ref }) => undelivered.push(ref));
    const received = receives(ann, 'note');
    await bob.send(id!, 'note');
    await received;
    const departed = receives(bob, 'sys.departed');
    ann.close();
    expect(await departed).toMatchObject({ sender: id, data: { code: 1000 } });
    await bob.send(bob.id, 'end');
    expect(undelivered).toEqual([]);
  });

  it('stops where the server ends the session with 4000', async () => {
    const ann = await connected();
    const closed = becomes(ann, 'closed');
    server.app.get(SessionRegistry).find(ann.id!)!.close(4000);
    expect(await closed).toEqual({ phase: 'closed', code: 4000, reason: 'kicked' });
  });

  it('is a new session after the window, and its senders get sys.undelivered', async () => {
    await stop();
    await start({ RESUME_WINDOW_MS: '300' });
    const [ann, bob] = [await connected(), await steady()];
    const { id } = ann;
    await ann.join('garden');
    proxy.discards = 'responses';
    const arrived = receives(bob, 'unanswered');
    const unanswered = codeOf(ann.send(bob.id, 'unanswered'));
    await arrived;
    const departed = receives(bob, 'sys.departed');
    await lose(ann);
    const undelivered = receives(bob, 'sys.undelivered');
    expect(await bob.send(id!, 'note', undefined, { id: 'mine' })).toEqual({ status: 'held' });
    expect(await undelivered).toMatchObject({ ref: 'mine', data: { receiver: id } });
    await departed;
    const open = await back(ann);
    expect(open).toMatchObject({ phase: 'open', resumed: false, reason: 'expired' });
    expect([open.id === id, await unanswered]).toEqual([false, 'unknown_outcome']);
    expect(await bob.members('garden')).toEqual([open.id]);
  });

  it('is a new session where the server keeps none', async () => {
    await stop();
    await start({ RESUME_WINDOW_MS: '0' });
    const ann = await connected();
    const [waiting, open] = [becomes(ann, 'waiting'), becomes(ann, 'open')];
    proxy.cut();
    expect(await waiting).not.toHaveProperty('away');
    expect(await open).not.toHaveProperty('resumed');
  });
});
