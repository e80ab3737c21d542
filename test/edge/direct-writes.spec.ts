import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directSocket, type DirectSocket } from '../../src/gateway/http/direct-socket.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { writeTo } from '../../src/sessions/connection.js';
import { makeCertificates } from '../support/certificates.js';
import { connect as connectClient } from '../support/client.js';
import { startServer } from '../support/server.js';
import { socketFolder } from '../support/unix-socket.js';

describe('a write past the stream of a socket', () => {
  let server: Server;
  let client: Socket;
  let sink: DirectSocket;
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    sink = directSocket(((await once(server, 'connection')) as [Socket])[0]);
  });
  afterEach(() => {
    client.destroy();
    sink.destroy();
    server.close();
  });

  /** Reads until the server ends. */
  async function received(): Promise<string> {
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.resume();
    await once(client, 'end');
    return Buffer.concat(chunks).toString();
  }

  it('reaches the system at once', () => {
    writeTo(sink, Buffer.from('abcdef'), 3);
    expect([sink.directBytes, sink.bytesWritten]).toEqual([3, 0]);
  });

  it('keeps the order with what waits in the stream, and loses nothing where the system is full', async () => {
    let sent = '';
    for (let number = 0; number < 400; number++) {
      const text = `${number} ${'x'.repeat((number * 397) % 40_000)}\n`;
      writeTo(sink, Buffer.from(text), text.length);
      sent += text;
      if (number === 350) client.on('data', () => undefined).pause();
      if (number % 50 === 0) await tick();
    }
    expect(sink.writableLength).toBeGreaterThan(0);
    expect(sink.directBytes + sink.bytesWritten).toBe(sent.length);
    client.removeAllListeners('data');
    sink.end();
    expect(await received()).toBe(sent);
  });

  it('stays behind the bytes of a corked stream', async () => {
    sink.cork();
    sink.write('1');
    writeTo(sink, Buffer.from('2'), 1);
    sink.uncork();
    writeTo(sink, Buffer.from('3'), 1);
    sink.end();
    expect(await received()).toBe('123');
  });

  it('leaves the error of a lost connection to the stream', async () => {
    const closed = new Promise((resolve) => sink.once('close', resolve));
    sink.on('error', () => undefined);
    client.resetAndDestroy();
    while (!sink.destroyed) {
      if (sink.writable) writeTo(sink, Buffer.from('x'), 1);
      await tick();
    }
    await closed;
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
    expect(connection!.sink.directBytes > 0).toBe(kind === 'plain');
    await client.close(1000);
    await server.stop();
    folder.remove();
  });
});
