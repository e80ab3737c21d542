import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { ownTimeMs } from '../support/own-time.js';
import { startServer, type TestServer } from '../support/server.js';

const EXCHANGES = 50;
const ANSWER_MS = 1000;
const MEMORY_BYTES = 256 * 1024 * 1024;

let server: TestServer;
let pair: readonly [Client, Client];
let memoryBefore: number;

/** The limits as they come, and a calm pair that is already in. */
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

/** Exchanges messages; all arrive, in order, each within the time that is bearable. */
async function calm(): Promise<void> {
  const [ann, bob] = pair;
  for (let count = 0; count < EXCHANGES; count++) {
    const sentMs = ownTimeMs();
    ann.send({ type: 'calm', receiver: bob.id, id: `${count}`, data: count });
    expect((await bob.next('calm')).data).toBe(count);
    expect((await ann.next('sys.ack')).ref).toBe(`${count}`);
    expect(ownTimeMs() - sentMs).toBeLessThan(ANSWER_MS);
  }
  expect(process.memoryUsage().rss - memoryBefore).toBeLessThan(MEMORY_BYTES);
}

async function tcp(first = ''): Promise<Socket> {
  const socket = connectTcp(server.port, '127.0.0.1').on('error', () => undefined);
  socket.write(first);
  await once(socket, 'connect');
  return socket;
}

/** A masked frame with a mask of nothing. */
function frame(first: number, body: string): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | body.length, 0, 0, 0, 0]), Buffer.from(body)]);
}

/** A connection of our own bytes, and everything it is told until its end. */
async function raw(): Promise<{ socket: Socket; said: Promise<string> }> {
  const socket = await tcp();
  const lines = Object.entries({ Host: 'localhost', ...HANDSHAKE }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /wss HTTP/1.1\r\n${lines.join('')}\r\n`);
  return { socket, said: text(socket).catch(() => '') };
}

/** The close frame of 1008 with its reason. */
const POLICY = 'policy';

describe('a calm pair loses nothing', () => {
  it('while 1,000 half-open handshakes wait, each of which is ended with 408 or 429', async () => {
    // Each says its half as soon as it can, not when all are connected: that may be after the time it has.
    const sockets = await Promise.all(
      Array.from({ length: 1000 }, () => tcp('GET /wss HTTP/1.1\r\nHost: localhost\r\n')),
    );
    const answers = Promise.all(sockets.map((socket) => text(socket)));
    await calm();
    const late = (await answers).filter((answer) => !/^HTTP\/1\.1 429 [\s\S]*too_many_connections/.test(answer));
    expect(late.length).toBeLessThanOrEqual(256);
    for (const answer of late) expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*handshake_timeout/);
  });

  it('while one session floods, every message of which passes or is refused by its code until 1008', async () => {
    const flood = await connect(server.url);
    for (let count = 0; count < 10_000; count++) flood.send({ type: 'x', receiver: flood.id, id: `${count}` });
    await calm();
    expect(await flood.closed).toEqual({ code: 1008, reason: POLICY });
    const answers = flood.inbox.filter(({ type }) => type === 'sys.ack' || type === 'sys.error');
    expect(answers.map(({ ref }) => ref)).toEqual(answers.map((_, index) => `${index}`));
    expect(answers.filter(({ type }) => type === 'sys.error')).toHaveLength(5001);
  });

  it('while one address floods with handshakes, which are refused with 429', async () => {
    const url = server.url.replace('ws:', 'http:');
    const answers = Promise.all(
      Array.from({ length: 400 }, () => ask(url, { headers: { ...HANDSHAKE, Origin: 'https://evil.test' } })),
    );
    await calm();
    const statuses = new Set((await answers).map(({ status }) => status));
    expect(statuses).toEqual(new Set([403, 429]));
  });

  it.each([
    ['pings', 0x89],
    ['pongs', 0x8a],
  ])('while one session floods with %s', async (_, first) => {
    const { socket, said } = await raw();
    socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame(first, 'x'))));
    await calm();
    expect(await said).toContain(POLICY);
  });

  it('while one session sends 100,000 tiny fragments', async () => {
    const { socket, said } = await raw();
    socket.write(Buffer.concat([frame(0x01, '{'), ...Array.from({ length: 100_000 }, () => frame(0x00, ' '))]));
    await calm();
    expect(await said).toContain(POLICY);
  });

  it('while one session sends nothing but faults', async () => {
    const bad = await connect(server.url);
    for (let count = 0; count < 1000; count++) bad.sendText('{');
    await calm();
    expect(await bad.closed).toEqual({ code: 1008, reason: POLICY });
    expect(bad.inbox.filter(({ type }) => type === 'sys.error')).toHaveLength(61);
  });

  it('while one session does not read what it asks for', async () => {
    const { socket, said } = await raw();
    socket.pause();
    for (let count = 0; count < 2000; count++) socket.write(frame(0x81, '{"type":"sys.who"}'));
    await calm();
    socket.destroy();
    await said;
  });
});
