import { Body, Controller, Get, Module, Post, StreamableFile } from '@nestjs/common';
import { once } from 'node:events';
import { connect as connectTcp, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 400;
/** The server checks a transfer so often, and the client sends as often, so that a busy machine slows down both. */
const STEP_MS = TIMEOUT_MS / 4;
/** Bytes within one TIMEOUT_MS that are progress. */
const PROGRESS_BYTES = 400;
const LONG_BYTES = 24_000_000;
const PIECE = Buffer.alloc(100_000, 'x');

@Controller()
class TransferController {
  @Post('body')
  body(@Body() body: { text: string }): number {
    return body.text.length;
  }

  @Get('long')
  long(): StreamableFile {
    return new StreamableFile(Readable.from(Array<Buffer>(LONG_BYTES / PIECE.length).fill(PIECE)));
  }

  @Get('one-piece')
  onePiece(): StreamableFile {
    return new StreamableFile(Buffer.alloc(LONG_BYTES, 'x'));
  }
}
@Module({ controllers: [TransferController] })
class TransferModule {}

let server: TestServer;
afterEach(() => server.stop());

async function start(timeout: 'HANDSHAKE_TIMEOUT_MS' | 'RESPONSE_TIMEOUT_MS'): Promise<void> {
  const rate = (PROGRESS_BYTES * 1000) / TIMEOUT_MS;
  server = await startServer({ [timeout]: String(TIMEOUT_MS), MIN_BYTES_PER_SECOND: String(rate) }, [TransferModule]);
}

async function open(bytes: string): Promise<Socket> {
  const socket = connectTcp(server.port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

/** Sends a body with so many bytes at each step, and returns the response. */
async function post(bytesAtOnce: number, headers: readonly string[], body: string): Promise<string> {
  const socket = await open(
    request('POST /body HTTP/1.1', [
      'Host: localhost',
      'Connection: close',
      'Content-Type: application/json',
      ...headers,
    ]),
  );
  let at = 0;
  const sending = setInterval(() => socket.write(body.slice(at, (at += bytesAtOnce))), STEP_MS);
  const response = await text(socket);
  clearInterval(sending);
  return response;
}

describe('the body of a request', () => {
  beforeEach(() => start('HANDSHAKE_TIMEOUT_MS'));

  const json = JSON.stringify({ text: 'x'.repeat(3000) });
  const length = [`Content-Length: ${json.length}`];
  const chunked = `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`;

  it.each([
    ['with a length', length, json],
    ['in chunks', ['Transfer-Encoding: chunked'], chunked],
  ])('is read for as long as it makes progress, longer than HANDSHAKE_TIMEOUT_MS: %s', async (_, headers, body) => {
    const begunMs = performance.now();
    const response = await post(PROGRESS_BYTES / 2, headers, body);
    expect(response).toMatch(/^HTTP\/1\.1 201 .*\r\n\r\n(4\r\n)?3000/s);
    expect(performance.now() - begunMs).toBeGreaterThan(3 * TIMEOUT_MS);
  });

  it.each([
    ['a byte now and then', 1],
    ['half of the rate', PROGRESS_BYTES / 8],
  ])('is answered 408 below MIN_BYTES_PER_SECOND: %s', async (_, bytesAtOnce) => {
    const response = await post(bytesAtOnce, length, json);
    expect(response).toMatch(/^HTTP\/1\.1 408 .*"code":"handshake_timeout"/s);
  });
});

describe('a long response', () => {
  beforeEach(() => start('RESPONSE_TIMEOUT_MS'));

  it.each(['/long', '/one-piece'])(
    'is sent for as long as the client reads, longer than RESPONSE_TIMEOUT_MS: %s',
    async (path) => {
      const socket = await open(request(`GET ${path} HTTP/1.1`, ['Host: localhost', 'Connection: close']));
      let [total, since] = [0, 0];
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        total += chunk.length;
        since += chunk.length;
        if (since < LONG_BYTES / 48) continue;
        since = 0;
        await delay(STEP_MS);
      }
      expect(total).toBeGreaterThan(LONG_BYTES);
    },
  );

  it('is cut where the client stops reading', async () => {
    const socket = await open(request('GET /long HTTP/1.1', ['Host: localhost']));
    socket.pause();
    const http = server.app.getHttpServer() as Server;
    const connections = promisify(http.getConnections.bind(http));
    await expect.poll(connections).toBe(0);
    socket.destroy();
  });
});
