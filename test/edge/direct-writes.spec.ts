import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as tick } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SocketSink } from '../../src/gateway/http/socket-sink.js';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { makeCertificates } from '../support/certificates.js';
import { connect as connectClient } from '../support/client.js';
import { startServer } from '../support/server.js';
import { socketFolder } from '../support/unix-socket.js';

describe.each(['tcp', 'unix'] as const)('a write past the stream of a socket (%s)', (kind) => {
  const folder = socketFolder();
  let server: Server;
  let client: Socket;
  let socket: Socket;
  let sink: SocketSink;
  beforeEach(async () => {
    server = kind === 'tcp' ? createServer().listen(0, '127.0.0.1') : createServer().listen(`${folder.path}/socket`);
    await once(server, 'listening');
    const address = server.address()!;
    client = (typeof address === 'string' ? connect(address) : connect(address.port, '127.0.0.1')).pause();
    socket = ((await once(server, 'connection')) as [Socket])[0];
    sink = new SocketSink(socket);
  });
  afterEach(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  afterAll(() => folder.remove());

  function send(text: string): void {
    sink.send(Buffer.from(text), text.length);
  }

  /** Reads until the server ends. */
  async function received(): Promise<string> {
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.resume();
    await once(client, 'end');
    return Buffer.concat(chunks).toString();
  }

  it('reaches the system at once', () => {
    sink.send(Buffer.from('abcdef'), 3);
    expect([sink.bytesWritten, socket.bytesWritten]).toEqual([3, 0]);
  });

  it('keeps the order with what waits in the stream, and loses nothing where the system is full', async () => {
    let sent = '';
    for (let number = 0; number < 400; number++) {
      const text = `${number} ${'x'.repeat((number * 397) % 40_000)}\n`;
      send(text);
      sent += text;
      if (number === 350) client.on('data', () => undefined).pause();
      if (number % 50 === 0) await tick();
    }
    expect(sink.writableLength).toBeGreaterThan(0);
    expect(sink.bytesWritten).toBe(sent.length);
    client.removeAllListeners('data');
    socket.end();
    expect(await received()).toBe(sent);
  });

  it('goes through the stream where a time-out counts from the last write', () => {
    sink.socket.setTimeout(60_000);
    sink.send(Buffer.from('abc'), 3);
    expect(sink.socket.bytesWritten).toBe(3);
  });

  it('stays behind the bytes of a corked stream', async () => {
    sink.cork();
    socket.write('1');
    send('2');
    sink.uncork();
    send('3');
    socket.end();
    expect(await received()).toBe('123');
  });

  it('leaves the error of a lost connection to the stream', async () => {
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    if (kind === 'tcp') client.resetAndDestroy();
    else client.destroy(); // a write gets EPIPE
    while (!socket.destroyed) {
      if (sink.writable) send('x');
      await tick();
    }
    await closed;
  });

  it('does not reach the file that has the descriptor of a destroyed socket', async () => {
    const {
      _handle: { fd },
    } = socket as unknown as { _handle: { fd: number } };
    socket.destroy();
    await once(socket, 'close');
    const [path, opened] = [`${folder.path}/next`, new Array<number>()];
    while (opened.at(-1) !== fd) {
      expect(opened.at(-1) ?? -1).toBeLessThan(fd); // the lowest free descriptor comes first
      opened.push(openSync(path, 'w'));
    }
    send('of the socket');
    for (const each of opened) closeSync(each);
    expect(readFileSync(path, 'utf8')).toBe('');
    expect(sink.bytesWritten).toBe(0);
  });
});

describe('the bytes sent to a session', () => {
  it.each(['plain', 'tls'])('are counted (%s)', async (kind) => {
    const folder = socketFolder();
    if (kind === 'tls') await makeCertificates(folder.path);
    const tls = { TLS_CERT_FILE: `${folder.path}/fullchain.pem`, TLS_KEY_FILE: `${folder.path}/privkey.pem` };
    const server = await startServer({ ARRIVAL_NOTICES: 'off', ...(kind === 'tls' ? tls : {}) });
    const url = kind === 'tls' ? server.url.replace('ws:', 'wss:') : server.url;
    const client = await connectClient(url, { rejectUnauthorized: false });
    const { connection } = server.app.get(SessionRegistry, { strict: false }).find(client.id)!;
    const before = connection!.bytesWritten;
    client.send({ type: 'echoed', receiver: client.id, data: 'x'.repeat(1000) });
    const { data } = await client.next('echoed');
    expect(data).toHaveLength(1000);
    const bytes = connection!.bytesWritten - before;
    expect(bytes).toBeGreaterThan(1000);
    expect(bytes).toBeLessThan(1200);
    if (kind === 'plain') expect(connection!.takenBytes).toBe(connection!.bytesWritten);
    const { sink } = connection as GatewaySocket;
    expect(sink.bytesWritten > sink.socket.bytesWritten).toBe(kind === 'plain');
    await client.close(1000);
    await server.stop();
    folder.remove();
  });
});
