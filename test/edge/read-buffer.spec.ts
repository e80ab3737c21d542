import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kept, ReadBuffer } from '../../src/gateway/frames/read-buffer.js';
import { makeCertificates } from '../support/certificates.js';
import { envelopeFrame } from '../support/client-frames.js';
import { keepLogLines } from '../support/log-lines.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { socketFolder } from '../support/unix-socket.js';

const nothing = (): void => undefined;

describe.each(['tcp', 'unix', 'tls'])('the read buffer on an accepted socket (%s)', (kind) => {
  let folder: ReturnType<typeof socketFolder>;
  let server: Server;
  let address: AddressInfo | string;
  afterEach(() => {
    server.close();
    folder.remove();
  });

  async function pair(): Promise<[client: Socket, accepted: Socket]> {
    const accepted = once(server, kind === 'tls' ? 'secureConnection' : 'connection') as Promise<[Socket]>;
    const place = typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' };
    const client = kind === 'tls' ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
    return [client, (await accepted)[0]];
  }

  beforeEach(async () => {
    folder = socketFolder();
    if (kind === 'tls') {
      await makeCertificates(folder.path);
      const [key, cert] = ['privkey.pem', 'fullchain.pem'].map((name) => readFileSync(join(folder.path, name)));
      server = createTlsServer({ key, cert });
    } else server = createServer();
    server.listen(kind === 'unix' ? join(folder.path, 'it.sock') : { port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    address = server.address()!;
  });

  it('passes the bytes of two sockets in one buffer, each in order, also after a pause', async () => {
    const texts = new Map<Socket, string>();
    const first = new Map<Socket, Buffer>();
    const readBuffer = new ReadBuffer(function (bytes, length) {
      if (!first.has(this)) first.set(this, bytes);
      texts.set(this, texts.get(this)! + bytes.toString('utf8', 0, length));
    });
    const pairs = [await pair(), await pair()] as const;
    for (const [, accepted] of pairs) {
      texts.set(accepted, '');
      expect(readBuffer.listen(accepted)).toBe(true);
    }
    const sent = ['', ''];
    for (let round = 0; round < 60; round++) {
      for (const [index, [client, accepted]] of pairs.entries()) {
        if (round % 20 === 5) {
          accepted.pause();
          accepted.unshift(Buffer.from(`unshifted ${round} `)); // makes Node read again, although the socket is paused
          sent[index] += `unshifted ${round} `;
        }
        client.write(`message ${round} of ${index} `);
        sent[index] += `message ${round} of ${index} `;
        if (round % 20 === 10) accepted.resume();
      }
      await tick();
      await tick();
    }
    for (const [client] of pairs) client.end();
    await Promise.all(pairs.map(([, accepted]) => once(accepted, 'end')));
    for (const [index, [, accepted]] of pairs.entries()) {
      const unordered = (text: string): string[] => text.split(' ').toSorted();
      expect(unordered(texts.get(accepted)!)).toEqual(unordered(sent[index]!));
      const numbers = [...texts.get(accepted)!.matchAll(/message (\d+)/g)].map(([, number]) => Number(number));
      expect(numbers).toEqual(Array.from({ length: 60 }, (_, number) => number));
    }
    expect(new Set(first.values()).size).toBe(1);
    for (const socket of pairs.flat()) socket.destroy();
  });

  it('shows the end of the connection to a paused socket', async () => {
    const [client, accepted] = await pair();
    new ReadBuffer(nothing).listen(accepted);
    accepted.pause();
    await tick();
    client.end();
    await once(accepted, 'end');
    client.destroy();
    accepted.destroy();
  });

  it('leaves the event to other listeners', async () => {
    const [client, accepted] = await pair();
    let read = '';
    new ReadBuffer((bytes, length) => (read += bytes.toString('utf8', 0, length))).listen(accepted);
    const seen = once(accepted, 'data');
    client.write('one');
    expect(String((await seen)[0])).toBe('one');
    expect(read).toBe('one');
    client.destroy();
    accepted.destroy();
  });

  it('is shared once for a socket', async () => {
    const [client, accepted] = await pair();
    const readBuffer = new ReadBuffer(nothing);
    expect([readBuffer.listen(accepted), readBuffer.listen(accepted)]).toEqual([true, false]);
    client.destroy();
    accepted.destroy();
  });
});

describe('the read buffer', () => {
  it('leaves a socket without the internals of Node as it is', () => {
    expect(new ReadBuffer(nothing).listen(new Socket())).toBe(false);
  });

  it('does not copy bytes of another buffer', () => {
    const bytes = Buffer.from('abc');
    expect(kept(bytes, 1, 3).buffer).toBe(bytes.buffer);
  });
});

describe('a version of Node with other internals', () => {
  const lines = keepLogLines();

  it.each(['useUserBuffer', 'fd'])('is logged once, and its sessions get their messages (%s)', async (name) => {
    const server = await startServer({ ARRIVAL_NOTICES: 'off', LOG_LEVEL: 'warn' });
    const http = server.app.getHttpServer() as Server;
    http.prependListener('connection', ({ _handle: handle }: Socket & { _handle: object }) =>
      Object.defineProperty(handle, name, { value: undefined }),
    );
    const clients = [await RawClient.open(server.port), await RawClient.open(server.port)];
    for (const client of clients) {
      client.write(envelopeFrame({ type: 'part', receiver: client.id, data: 'x' }));
      expect((await client.envelopeOf('part')).data).toBe('x');
      client.socket.destroy();
    }
    expect(lines.filter((line) => line.includes('other internals: run Node.js'))).toHaveLength(1);
    await server.stop();
  });

  it('is not logged for other sockets', async () => {
    const server = await startServer({ LOG_LEVEL: 'warn' });
    const client = await RawClient.open(server.port);
    client.socket.destroy();
    await server.stop();
    expect(lines.filter((line) => line.includes('other internals'))).toEqual([]);
  });
});

describe.each(['on', 'off'])('messages that arrive in parts (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off', MESSAGES_PER_SECOND: '0', BYTES_PER_SECOND: '0' });
  });
  afterEach(() => server.stop());

  it('keep their bytes while those of other sessions arrive', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(server.port)));
    const body = (index: number, round: number): string => `${index}-${round} `.repeat(500);
    for (let round = 0; round < 20; round++) {
      const frames = clients.map((to, index) =>
        envelopeFrame({ type: 'part', receiver: to.id, data: body(index, round) }),
      );
      for (const cut of [0, 1, 2, 3, 4].map((part) => part * 617))
        for (const [index, client] of clients.entries()) {
          client.write(frames[index]!.subarray(cut, cut === 4 * 617 ? undefined : cut + 617));
          await tick();
        }
      for (const [index, client] of clients.entries())
        expect((await client.envelopeOf('part')).data).toBe(body(index, round));
    }
    for (const client of clients) client.socket.destroy();
  });

  it('are answered in order where one client sends more than its share of a turn', async () => {
    const client = await RawClient.open(server.port);
    const count = 4000;
    const request = (number: number): Buffer =>
      number % 3 === 0
        ? envelopeFrame({ type: 'none', id: `${number}` }) // has no receiver
        : envelopeFrame({ type: 'sys.ping', id: `${number}`, data: 'x'.repeat(number % 100) });
    for (let number = 0; number < count; number += 500)
      client.write(...Array.from({ length: 500 }, (_, index) => request(number + index)));
    const ids: string[] = [];
    while (ids.length < count) {
      const { ref } = (await client.envelope()) as unknown as { ref?: string };
      if (ref !== undefined) ids.push(ref);
    }
    expect(ids).toEqual(Array.from({ length: count }, (_, number) => `${number}`));
    client.socket.destroy();
  });
});
