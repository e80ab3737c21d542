import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { clientFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { threadTimeMs } from '../support/thread-clock.js';
import { request } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

const EXCHANGES = 50;
const ANSWER_LIMIT_MS = 1000;
const MEMORY_BYTES = 256 * 1024 * 1024;

let server: TestServer;
let pair: readonly [Client, Client];
let memoryBefore: number;

/** Starts a server with the default limits, and connects a normal pair before the attack. */
beforeEach(async () => {
  server = await startServer({
    HANDSHAKE_TIMEOUT_MS: '2000',
    MAX_CONNECTIONS_PER_ADDRESS: '256',
    HANDSHAKES_PER_SECOND: '50',
    MESSAGES_PER_SECOND: '200',
    BYTES_PER_SECOND: '1048576',
    FAULTS_PER_MINUTE: '60',
    REFUSALS_PER_MINUTE: '5000',
  });
  pair = [await connect(server.url), await connect(server.url)];
  memoryBefore = process.memoryUsage().rss;
});
afterEach(() => server.stop());

/** Exchanges messages of the normal pair; all must arrive in order, each within the time limit. */
async function exchangeOfPair(): Promise<void> {
  const [ann, bob] = pair;
  for (let count = 0; count < EXCHANGES; count++) {
    const sentMs = threadTimeMs();
    ann.send({ type: 'pair', receiver: bob.id, id: `${count}`, data: count });
    expect((await bob.next('pair')).data).toBe(count);
    expect((await ann.next('sys.ack')).ref).toBe(`${count}`);
    expect(threadTimeMs() - sentMs).toBeLessThan(ANSWER_LIMIT_MS);
  }
  expect(process.memoryUsage().rss - memoryBefore).toBeLessThan(MEMORY_BYTES);
}

async function tcp(first = ''): Promise<Socket> {
  const socket = connectTcp(server.port, '127.0.0.1').on('error', () => undefined);
  socket.write(first);
  await once(socket, 'connect');
  return socket;
}

/** Opens a raw WebSocket connection; `received` resolves to all its bytes once it ends. */
async function raw(): Promise<{ socket: Socket; received: Promise<string> }> {
  const socket = await tcp();
  socket.write(request('GET /wss HTTP/1.1'));
  return { socket, received: text(socket).catch(() => '') };
}

/** The reason of close code 1008. */
const POLICY = 'policy';

describe('a normal pair loses no message', () => {
  it('during 1,000 half-open handshakes, each rejected with 408 or 429', async () => {
    // Each socket writes when it is connected, because waiting for all sockets may exceed the handshake time-out.
    const sockets = await Promise.all(
      Array.from({ length: 1000 }, () => tcp('GET /wss HTTP/1.1\r\nHost: localhost\r\n')),
    );
    const answers = Promise.all(sockets.map((socket) => text(socket)));
    await exchangeOfPair();
    const late = (await answers).filter((answer) => !/^HTTP\/1\.1 429 [\s\S]*too_many_connections/.test(answer));
    expect(late.length).toBeLessThanOrEqual(256);
    for (const answer of late) expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*handshake_timeout/);
  });

  it('during a flood of one session, which is answered message by message until 1008', async () => {
    const flood = await connect(server.url);
    for (let count = 0; count < 10_000; count++) flood.send({ type: 'x', receiver: flood.id, id: `${count}` });
    await exchangeOfPair();
    expect(await flood.closed).toEqual({ code: 1008, reason: POLICY });
    const answers = flood.inbox.filter(({ type }) => type === 'sys.ack' || type === 'sys.error');
    expect(answers.map(({ ref }) => ref)).toEqual(answers.map((_, index) => `${index}`));
    expect(answers.filter(({ type }) => type === 'sys.error')).toHaveLength(5001);
  });

  it('during a flood of handshakes of one address, which are rejected with 429', async () => {
    const url = server.url.replace('ws:', 'http:');
    const answers = Promise.all(
      Array.from({ length: 400 }, () => ask(url, { headers: { ...HANDSHAKE, Origin: 'https://evil.test' } })),
    );
    await exchangeOfPair();
    const statuses = new Set((await answers).map(({ status }) => status));
    expect(statuses).toEqual(new Set([403, 429]));
  });

  it.each([
    ['pings', OPCODE.ping],
    ['pongs', OPCODE.pong],
  ])('during a flood of %s of one session', async (_, opcode) => {
    const { socket, received } = await raw();
    socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => clientFrame('x', { opcode }))));
    await exchangeOfPair();
    expect(await received).toContain(POLICY);
  });

  it('during 100,000 tiny fragments of one session', async () => {
    const { socket, received } = await raw();
    socket.write(
      Buffer.concat([
        clientFrame('{', { final: false }),
        ...Array.from({ length: 100_000 }, () => clientFrame(' ', { opcode: OPCODE.continuation, final: false })),
      ]),
    );
    await exchangeOfPair();
    expect(await received).toContain(POLICY);
  });

  it('during a flood of invalid messages', async () => {
    const bad = await connect(server.url);
    for (let count = 0; count < 1000; count++) bad.sendText('{');
    await exchangeOfPair();
    expect(await bad.closed).toEqual({ code: 1008, reason: POLICY });
    expect(bad.inbox.filter(({ type }) => type === 'sys.error')).toHaveLength(61);
  });

  it('while one session does not read its answers', async () => {
    const { socket, received } = await raw();
    socket.pause();
    for (let count = 0; count < 2000; count++) socket.write(clientFrame('{"type":"sys.who"}'));
    await exchangeOfPair();
    socket.destroy();
    await received;
  });
});
