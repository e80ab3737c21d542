import { Module } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketServer } from '@nestjs/websockets';
import { errorMonitor, once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { createConnection, Socket as TcpSocket, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RawData, WebSocket, WebSocketServer as Server } from 'ws';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const HI = JSON.stringify({ type: 'hi', sender: 'server' });

/** Returns the TCP socket that `ws` keeps, as applications read it for the address of a client. */
function tcpSocketOf(client: object): Socket {
  return Reflect.get(client, '_socket') as Socket;
}

@MessagingGateway()
class HabitsGateway {
  @WebSocketServer() server!: Server;
  /** Sockets in the order of their connections. */
  readonly sockets: GatewaySocket[] = [];
  onConnection: ((client: WebSocket) => void) | undefined;
  readonly connections: WebSocket[] = [];

  afterInit(server: Server): void {
    server.on('connection', (client) => this.connections.push(client));
  }

  handleConnection(client: GatewaySocket): void {
    this.sockets.push(client);
    this.onConnection?.(client);
  }

  @SubscribeMessage('habit.echo')
  echo(@ConnectedSocket() client: WebSocket): number {
    return client.readyState;
  }
}

@Module({ providers: [HabitsGateway] })
class HabitsModule {}

describe('a socket that a gateway gets', () => {
  let server: TestServer;
  let gateway: HabitsGateway;
  let alice: Client;
  let socket: GatewaySocket;
  keepLogLines();

  beforeEach(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off' }, [HabitsModule]);
    gateway = server.app.get(HabitsGateway, { strict: false });
    alice = await server.connect();
    socket = gateway.sockets[0]!;
  });
  afterEach(() => server.stop());

  const sent = (...options: unknown[]): Promise<unknown> =>
    new Promise((resolve) => (socket.send as (...all: unknown[]) => void)(HI, ...options, resolve));

  it('calls back once a text is sent, with and without options, and by a promise', async () => {
    expect(await sent()).toBeUndefined();
    expect(await sent({})).toBeUndefined();
    expect(await sent({ binary: false, compress: true })).toBeUndefined();
    expect(await sent(undefined)).toBeUndefined();
    await promisify((text: string, done: (error?: Error) => void) => socket.send(text, done))(HI);
    for (let count = 0; count < 5; count++) expect((await alice.next()).type).toBe('hi');
  });

  it('keeps the order of what is sent with and without a callback', async () => {
    for (let count = 0; count < 50; count++) {
      const text = JSON.stringify({ type: 'n', sender: 'server', data: count });
      if (count % 3 === 0) socket.send(text, () => undefined);
      else socket.send(text);
    }
    for (let count = 0; count < 50; count++) expect((await alice.next('n')).data).toBe(count);
  });

  it('calls back only when a client that does not read has read', async () => {
    alice.socket.pause();
    const big = JSON.stringify({ type: 'big', sender: 'server', data: 'x'.repeat(4_000_000) });
    let called = 0;
    for (let count = 0; count < 3; count++) socket.send(big, () => called++);
    await new Promise((resolve) => setImmediate(resolve));
    expect(called).toBe(0);
    alice.socket.resume();
    for (let count = 0; count < 3; count++) await alice.next('big');
    await expect.poll(() => called).toBe(3);
  });

  it('calls back with an error when the connection is lost, closing or closed', async () => {
    alice.socket.pause();
    const big = JSON.stringify({ type: 'big', sender: 'server', data: 'x'.repeat(4_000_000) });
    socket.send(big);
    await new Promise((resolve) => setImmediate(resolve));
    const lost = [sent(), sent()];
    socket.terminate();
    for (const error of await Promise.all(lost)) expect(error).toBeInstanceOf(Error);
    expect(await sent()).toMatchObject({ message: expect.stringContaining('not open') as string });
    const bob = await server.connect();
    socket = gateway.sockets[1]!;
    socket.close(4000);
    expect(await sent()).toBeInstanceOf(Error);
    expect(() => socket.send(HI)).not.toThrow();
    await bob.closed;
  });

  it('fails alone when a callback of a send throws', async () => {
    const bob = await server.connect();
    socket.send(HI, () => {
      throw new Error('in a callback');
    });
    expect((await alice.closed).code).toBe(1011);
    await bob.settled();
  });

  it.each(['at once', 'when the socket has drained'])(
    'fails alone when what waits cannot be written %s, and the callback gets an error',
    async (moment) => {
      const bob = await server.connect();
      if (moment !== 'at once') {
        alice.socket.pause();
        const big = JSON.stringify({ type: 'big', sender: 'server', data: 'x'.repeat(4_000_000) });
        socket.send(big);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const { outbox } = socket.session!;
      const flushAll = outbox.flushAll.bind(outbox);
      outbox.flushAll = () => {
        outbox.flushAll = flushAll;
        throw new Error('in a flush');
      };
      const result = sent();
      alice.socket.resume();
      expect(await result).toMatchObject({ message: 'in a flush' });
      expect((await alice.closed).code).toBe(1011);
      await bob.settled();
    },
  );

  it.each<[string, unknown, unknown]>([
    ['a typed array', new Uint8Array([1, 2, 3]), undefined],
    ['an array buffer', new ArrayBuffer(4), undefined],
    ['a data view', new DataView(new ArrayBuffer(2)), undefined],
    ['a blob', new Blob(['x']), undefined],
    ['a text marked as binary', HI, { binary: true }],
    ['a buffer marked as binary', Buffer.from(HI), { binary: true }],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe]), undefined],
    ['the first part of a message', HI, { fin: false }],
    ['a number', 5, undefined],
    ['an object', { type: 'x' }, undefined],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
  ])('throws for %s and stays usable', async (_, data, options) => {
    expect(() => (socket.send as (...all: unknown[]) => void)(data, options)).toThrow(TypeError);
    alice.send({ type: 'habit.echo', id: '1' });
    expect((await alice.answer('1')).data).toBe(1);
    expect(alice.inbox.filter(({ type }) => type !== 'sys.ack')).toEqual([]);
  });

  it.each<[string, unknown, unknown]>([
    ['a buffer', Buffer.from(HI), undefined],
    ['a typed array marked as text', new Uint8Array(Buffer.from(HI)), { binary: false }],
  ])('sends the text in %s', async (_, data, options) => {
    (socket.send as (...all: unknown[]) => void)(data, options);
    expect((await alice.next()).type).toBe('hi');
  });

  it.each(['on', 'addEventListener', 'onmessage', 'once', 'prependListener', 'addListener'])(
    'passes each message to a listener that is added by %s, and serves the message too',
    async (how) => {
      const texts: string[] = [];
      const record = (data: RawData): void => void texts.push((data as Buffer).toString());
      gateway.onConnection = (client) => {
        if (how === 'addEventListener')
          client.addEventListener('message', ({ data }) => void texts.push(data as string));
        else if (how === 'onmessage') client.onmessage = ({ data }) => void texts.push(data as string);
        else (client as unknown as Record<string, (...all: unknown[]) => void>)[how]!('message', record);
      };
      const bob = await server.connect();
      bob.send({ type: 'routed', receiver: alice.id });
      expect((await alice.next()).type).toBe('routed');
      bob.send({ type: 'habit.echo', id: '1' });
      expect((await bob.answer('1')).data).toBe(1);
      const all = ['{"type":"routed",', '{"type":"habit.echo",'].slice(0, how === 'once' ? 1 : 2);
      expect(texts.map((text) => text.slice(0, text.indexOf(',') + 1))).toEqual(all);
    },
  );

  it('passes messages to a listener that is added later, among the messages of one chunk', async () => {
    const texts: string[] = [];
    socket.once('ping', () => socket.on('message', (data) => texts.push((data as Buffer).toString())));
    const raw = tcpSocketOf(alice.socket);
    raw.cork();
    alice.sendText('{"type":"before","receiver":"*"}');
    alice.socket.ping();
    alice.sendText('{"type":"behind","receiver":"*"}');
    alice.sendText('{"type":"last","receiver":"*"}');
    raw.uncork();
    await alice.settled();
    expect(texts.slice(0, 2)).toEqual(['{"type":"behind","receiver":"*"}', '{"type":"last","receiver":"*"}']);
  });

  it('emits ping and pong, and calls back for a ping', async () => {
    alice.socket.ping('are you there');
    expect(String((await once(socket, 'ping'))[0])).toBe('are you there');
    const pong = once(socket, 'pong');
    await new Promise((resolve) => socket.ping('', false, resolve));
    await pong;
  });

  it.each(['message', 'close', 'pong', 'error'])('fails alone when a listener of %s throws', async (event) => {
    const bob = await server.connect();
    socket.on(event, () => {
      throw new Error('in a listener');
    });
    alice.socket.pong();
    alice.sendText('{"type":"x","receiver":"*"}');
    if (event === 'error') alice.socket.send('x', { mask: false });
    else if (event === 'close') await alice.close();
    expect([1000, 1002, 1005, 1006, 1011]).toContain((await alice.closed).code);
    await bob.next('sys.departed');
    await bob.settled();
  });

  it('shows its errors to a monitor that does not listen for them', async () => {
    const failed = once(socket, errorMonitor);
    alice.socket.send('x', { mask: false });
    expect(String((await failed)[0])).toContain('MASK must be set');
  });

  it('is served when all listeners are removed', async () => {
    const bob = await server.connect();
    socket.on('close', () => undefined);
    socket.removeAllListeners();
    socket.removeAllListeners('close');
    alice.send({ type: 'habit.echo', id: '1' });
    expect((await alice.answer('1')).data).toBe(1);
    alice.socket.send('x', { mask: false });
    expect((await alice.closed).code).toBe(1002);
    expect((await bob.next('sys.departed')).sender).toBe(alice.id);
  });

  it('is not read while the application has paused it, whatever the server resumes', async () => {
    socket.pause();
    expect(socket.isPaused).toBe(true);
    socket.session!.pauseReading('turn');
    socket.session!.resumeReading('turn');
    expect(socket.isPaused).toBe(true);
    alice.send({ type: 'habit.echo', id: '1' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(alice.inbox).toEqual([]);
    socket.resume();
    expect((await alice.answer('1')).data).toBe(1);
  });

  it('shows its address, its protocol and the bytes that wait, and keeps own properties', () => {
    const client = socket as unknown as { userId?: number };
    client.userId = 7;
    expect(client.userId).toBe(7);
    expect(tcpSocketOf(socket).remoteAddress).toBe('127.0.0.1');
    expect([socket.protocol, socket.extensions, socket.readyState]).toEqual(['', '', 1]);
    expect(socket.bufferedAmount).toBe(0);
    socket.send(HI);
    expect(socket.bufferedAmount).toBe(HI.length + 2);
  });

  it('is in a live list of clients, like that of ws', async () => {
    const { clients } = gateway.server;
    const bob = await server.connect();
    const [first, second] = gateway.sockets;
    expect(clients.size).toBe(2);
    expect([...clients]).toEqual([first, second]);
    expect([clients.has(first!), [...clients.values()].length, [...clients.entries()][1]]).toEqual([
      true,
      2,
      [second, second],
    ]);
    clients.forEach((client) => client.send(HI));
    expect([(await alice.next()).type, (await bob.next()).type]).toEqual(['hi', 'hi']);
    await bob.close();
    await alice.next('sys.departed');
    expect([clients.size, clients.has(second!)]).toEqual([1, false]);
    expect(() => clients.clear()).toThrow('read-only');
  });

  it('comes with a server that refuses to be closed or to upgrade requests, and names what to use', async () => {
    expect(() => gateway.server.close(() => undefined)).toThrow('use app.close()');
    expect(() => gateway.server.close()).toThrow('use app.close()');
    const request = Object.assign(new IncomingMessage(new TcpSocket()), { method: 'GET' });
    expect(() => gateway.server.handleUpgrade(request, request.socket, Buffer.alloc(0), () => undefined)).toThrow(
      'use a WebSocketServer of `ws`',
    );
    alice.send({ type: 'habit.echo', id: '1' });
    expect((await alice.answer('1')).data).toBe(1);
  });

  it('comes with a server that emits close once all connections have ended', async () => {
    let closed = 0;
    gateway.server.on('close', () => closed++);
    await server.app.close();
    expect(closed).toBe(1);
  });

  it('comes with a server that has an address and emits connections and headers', async () => {
    const address = gateway.server.address() as { port: number };
    expect(address.port).toBe(server.port);
    expect(gateway.connections).toEqual(gateway.sockets);
    gateway.server.on('headers', (headers) => headers.push('X-Habit: yes'));
    const raw = createConnection(server.port, '127.0.0.1');
    raw.write(
      'GET /wss HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const [response] = (await once(raw, 'data')) as [Buffer];
    expect(response.toString('latin1')).toContain('X-Habit: yes');
    raw.destroy();
  });
});
