import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect, type Client, type ConnectOptions, type SocketLike } from '../../packages/client/src/connect.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { Deferred } from '../support/deferred.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { PageEvents } from '../support/page-events.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, codeOf, join, receives } from '../support/switchboard-client.js';

/** Waits that no test reaches. */
const NEVER = { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 };

/** Every event after which a page may have another network, or has slept. */
const SHOWN: readonly (readonly [string, (page: PageEvents) => void])[] = [
  ['is online', (page) => page.emit('online')],
  ['is visible', (page) => page.becomes('visible')],
  ['comes back from the cache', (page) => page.emit('pageshow', { persisted: true })],
  ['resumes', (page) => page.emit('resume')],
];

describe('a client in a page', () => {
  let server: TestServer;
  let proxy: FaultProxy;
  let page: PageEvents;
  const clients: Client[] = [];
  beforeAll(async () => {
    server = await startServer();
    proxy = await FaultProxy.start(server.port);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    proxy.enable();
    proxy.discards = 'nothing';
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  async function joined(options: ConnectOptions = {}): Promise<Client> {
    page = new PageEvents();
    const client = join(proxy.url, { ...NEVER, WebSocket: page.socketClass(), ...options });
    clients.push(client);
    await client.ready();
    return client;
  }

  it.each(SHOWN)('that %s notices a dead connection', async (_, show) => {
    const ann = await joined({ timeoutMs: 300 });
    const waiting = becomes(ann, 'waiting');
    proxy.discards = 'everything';
    show(page);
    expect(await waiting).toMatchObject({ code: 1006, reason: 'silent' });
  });

  it.each(SHOWN)('that %s keeps a connection that answers', async (_, show) => {
    const ann = await joined();
    const { id } = ann;
    const pong = receives(ann, 'sys.pong');
    show(page);
    await pong;
    expect(await ann.send(id, 'note')).toEqual({ status: 'routed' });
    expect(ann.id).toBe(id);
  });

  it.each(SHOWN)('that %s ends the wait for the next attempt', async (_, show) => {
    const ann = await joined();
    const waiting = becomes(ann, 'waiting');
    proxy.cut();
    await waiting;
    const open = becomes(ann, 'open');
    show(page);
    await open;
    expect(page.opened).toBe(2);
  });

  it('probes where the application asks', async () => {
    const ann = await joined({ timeoutMs: 300 });
    const waiting = becomes(ann, 'waiting');
    proxy.discards = 'everything';
    ann.probe();
    expect(await waiting).toMatchObject({ reason: 'silent' });
    proxy.discards = 'nothing';
    const open = becomes(ann, 'open');
    ann.probe();
    await open;
  });

  it.each<[string, (page: PageEvents) => void]>([
    ['is frozen', () => page.emit('freeze')],
    ['is kept for the back button', () => page.emit('pagehide', { persisted: true })],
  ])('that %s leaves, and returns when it is shown', async (_, hide) => {
    const bob = join(server.url);
    clients.push(bob);
    await bob.ready();
    const ann = await joined({ resume: false });
    const { id } = ann;
    const states: unknown[] = [];
    ann.onState((change) => states.push(change));
    const departed = receives(bob, 'sys.departed');
    const unanswered = ann.send('*', 'unanswered');
    hide(page);
    await expect(unanswered).rejects.toMatchObject({ code: 'unknown_outcome', sent: true });
    expect(await departed).toMatchObject({ sender: id, data: { code: 1000 } });
    const queued = ann.send('*', 'queued');
    page.emit('resume');
    page.emit('pageshow', { persisted: true });
    expect(await queued).toEqual({ status: 'accepted' });
    expect(states).toEqual([
      { phase: 'waiting', code: 1001, reason: 'page_hidden' },
      { phase: 'connecting' },
      { phase: 'open', id: ann.id },
    ]);
    expect(page.opened).toBe(2);
  });

  it('that is frozen while a token is fetched opens one connection afterwards', async () => {
    const first = new Deferred<string>();
    let calls = 0;
    page = new PageEvents();
    const token = () => (++calls === 1 ? first.promise : undefined);
    const ann = join(server.url, { ...NEVER, WebSocket: page.socketClass(), token });
    clients.push(ann);
    page.emit('freeze');
    expect(ann.phase).toBe('waiting');
    page.emit('resume');
    await ann.ready();
    first.resolve('late');
    await ann.send('*', 'note');
    expect([page.opened, calls]).toEqual([1, 2]);
  });

  it('that is frozen while it waits makes no attempt until it is shown', async () => {
    const ann = await joined({ minDelayMs: 1, maxDelayMs: 1 });
    const waiting = becomes(ann, 'waiting');
    const states: unknown[] = [];
    ann.onState(({ phase, code, reason }) => {
      states.push([phase, reason]);
      if (phase === 'waiting' && code === 1006) page.emit('freeze');
    });
    proxy.cut();
    await waiting;
    await ann.send('*', 'note', 0, { timeoutMs: 100 }).catch(() => undefined);
    expect([ann.phase, page.opened]).toEqual(['waiting', 1]);
    expect(states).toContainEqual(['waiting', 'page_hidden']);
    page.emit('resume');
    await ann.ready();
  });

  it('goes on where the page is hidden, loaded or unloaded', async () => {
    const ann = await joined();
    const { id } = ann;
    const received: string[] = [];
    ann.on('sys.pong', ({ type }) => received.push(type));
    page.becomes('hidden');
    page.emit('pageshow', { persisted: false });
    page.emit('pagehide', { persisted: false });
    await ann.send(id, 'note');
    expect([ann.id, received]).toEqual([id, []]);
  });

  it('removes its listeners at the end', async () => {
    const ann = await joined();
    expect(page.listening).toBeGreaterThan(0);
    ann.close();
    expect(page.listening).toBe(0);
    const bob = await joined();
    const closed = becomes(bob, 'closed');
    server.app.get(SessionRegistry).find(bob.id!)!.close(4000);
    await closed;
    expect(page.listening).toBe(0);
    ann.probe();
    page.emit('online');
    expect(await codeOf(ann.ready())).toBe('closed');
  });
});

describe('a client in a page, by its clock', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  /** A socket whose test says what arrives. */
  class Socket implements SocketLike {
    static last: Socket;
    onmessage: SocketLike['onmessage'] = null;
    onclose: SocketLike['onclose'] = null;
    onerror: SocketLike['onerror'] = null;
    bufferedAmount = 0;
    readonly sent: string[] = [];

    constructor() {
      Socket.last = this;
    }

    send(text: string): void {
      this.sent.push(text);
    }

    close(): void {}

    receives(type: string, data: object = {}): void {
      this.onmessage?.({ data: JSON.stringify({ type, sender: 'server', receiver: 'id', data }) });
    }
  }

  async function opened(): Promise<{ page: PageEvents; client: Client }> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const page = new PageEvents();
    const client = connect('ws://127.0.0.1', { WebSocket: page.socketClass(Socket) });
    await vi.advanceTimersByTimeAsync(0);
    Socket.last.receives('sys.welcome', { heartbeatMs: 60_000, maxMessageBytes: 1000 });
    expect(client.phase).toBe('open');
    return { page, client };
  }

  it('makes at most one attempt a second in a flood of events', async () => {
    const { page, client } = await opened();
    const fail = () => setTimeout(() => Socket.last.onclose?.({ code: 1006, reason: '' }));
    client.onState(({ phase }) => phase === 'connecting' && queueMicrotask(fail));
    fail();
    for (let count = 0; count < 1000; count++) {
      page.emit('online');
      page.becomes('visible');
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(page.opened).toBeGreaterThan(5);
    expect(page.opened).toBeLessThanOrEqual(12 + 5);
    client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([1013, 4103])(
    'keeps the back-off of a server that closes with %i, although the page is shown',
    async (code) => {
      vi.spyOn(Math, 'random').mockReturnValue(1);
      const { page, client } = await opened();
      const waits: unknown[] = [];
      client.onState(({ phase, delayMs }) => phase === 'waiting' && waits.push(delayMs));
      for (let count = 0; count < 4; count++) {
        Socket.last.onclose?.({ code, reason: '' });
        for (let event = 0; event < 2 ** count; event++) {
          expect(client.phase).toBe('waiting');
          page.emit('online');
          await vi.advanceTimersByTimeAsync(1000);
        }
        expect(client.phase).toBe('connecting');
      }
      expect(waits).toEqual([1000, 2000, 4000, 8000]);
      client.close();
    },
  );

  it('keeps the wait that a draining server asked for, also over a freeze', async () => {
    const { page, client } = await opened();
    Socket.last.receives('sys.reconnect', { afterMs: 20_000 });
    Socket.last.onclose?.({ code: 1012, reason: '' });
    page.emit('freeze');
    page.emit('resume');
    await vi.advanceTimersByTimeAsync(19_999);
    expect(client.phase).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect(client.phase).toBe('connecting');
    client.close();
  });

  it('pings at most once a second in a flood of events', async () => {
    const { page, client } = await opened();
    for (let count = 0; count < 1000; count++) {
      page.emit('online');
      await vi.advanceTimersByTimeAsync(10);
      Socket.last.receives('sys.pong');
    }
    expect(Socket.last.sent.length).toBeGreaterThan(5);
    expect(Socket.last.sent.length).toBeLessThanOrEqual(11);
    client.close();
  });

  it('keeps a slow connection while the socket sends, and cuts it when it stops', async () => {
    const { page, client } = await opened();
    Socket.last.bufferedAmount = 40_000;
    page.emit('online');
    for (let count = 0; count < 3; count++) {
      await vi.advanceTimersByTimeAsync(4500);
      Socket.last.bufferedAmount -= 10_000;
    }
    await vi.advanceTimersByTimeAsync(4500);
    expect(client.phase).toBe('open');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(client.phase).not.toBe('open');
    client.close();
  });

  it('cuts a dead connection after 5 s, although its socket takes the ping', async () => {
    const { page, client } = await opened();
    Socket.last.send = () => (Socket.last.bufferedAmount = 40);
    page.emit('online');
    await vi.advanceTimersByTimeAsync(4000);
    Socket.last.bufferedAmount = 0;
    expect(client.phase).toBe('open');
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.phase).not.toBe('open');
    client.close();
  });

  it('leaves an attempt its whole time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const page = new PageEvents();
    const client = connect('ws://127.0.0.1', { WebSocket: page.socketClass(Socket) });
    await vi.advanceTimersByTimeAsync(0);
    page.emit('online');
    await vi.advanceTimersByTimeAsync(14_000);
    expect([client.phase, Socket.last.sent]).toEqual(['connecting', []]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.phase).toBe('waiting');
    client.close();
  });
});
