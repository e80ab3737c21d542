import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pipes } from '../../src/gateway/returns/pipes.js';
import { NodeState } from '../../src/node/node-state.js';
import { Counters } from '../../src/telemetry/counters.js';
import { readSettings } from '../../src/settings/environment.js';

const RESPONSE = Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n');
/** Bytes that the client has sent behind its request. */
const HEAD = Buffer.from('early');
const MANY_BYTES = 64 * 1024 * 1024;
/** More than the buffers of two streams hold. */
const BUFFER_BYTES = 1024 * 1024;

/** Resolves with the `close` of each socket. */
const closing = new WeakMap<Socket, Promise<void>>();

/** Both ends of a TCP connection. */
interface Line {
  readonly near: Socket;
  readonly far: Socket;
}

describe('a pipe', () => {
  let pipes: Pipes;
  let counters: Counters;
  let nodeState: NodeState;
  let client: Line;
  let node: Line;
  let ends: number;

  beforeEach(async () => {
    counters = new Counters();
    nodeState = new NodeState();
    pipes = new Pipes(counters, readSettings({ DRAIN_SPREAD_MS: '0' }, {}), nodeState);
    ends = 0;
    [client, node] = [await line(), await line()];
    pipes.join(client.near, HEAD, { socket: node.near, response: RESPONSE }, () => ends++);
  });
  afterEach(async () => {
    const sockets = [client, node].flatMap(({ near, far }) => [near, far]);
    for (const socket of sockets) socket.destroy();
    await closed(...sockets);
  });

  /** Reads until a socket has got so many bytes. */
  async function read(socket: Socket, bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      chunks.push(chunk as Buffer);
      if ((length += (chunk as Buffer).length) >= bytes) break;
    }
    return Buffer.concat(chunks);
  }

  it('begins with the response and carries bytes both ways', async () => {
    expect(await read(client.far, RESPONSE.length)).toEqual(RESPONSE);
    client.far.write(' question');
    expect((await read(node.far, 14)).toString()).toBe('early question');
    node.far.write('answer');
    expect((await read(client.far, 6)).toString()).toBe('answer');
    expect([counters.pipes, ends]).toEqual([1, 0]);
  });

  it('ends at both sides when the client ends', async () => {
    client.far.resume();
    node.far.resume();
    client.far.end();
    await closed(client.near, node.near);
    expect([counters.pipes, ends]).toEqual([0, 1]);
  });

  it('delivers the last bytes of the node before its end', async () => {
    node.far.end('last');
    const bytes = await read(client.far, MANY_BYTES);
    expect(bytes.toString()).toBe(`${RESPONSE.toString()}last`);
    expect(client.far.readableEnded).toBe(true);
  });

  it.each(['client', 'node'] as const)('ends at both sides when the connection of the %s is reset', async (side) => {
    const [one, other] = side === 'client' ? [client, node] : [node, client];
    other.far.resume();
    one.far.resetAndDestroy();
    await closed(one.near, other.near, other.far);
    expect([counters.pipes, ends]).toEqual([0, 1]);
  });

  it('is cut where the client does not end within two seconds after the node', async () => {
    node.far.end();
    await closed(client.near, node.near);
    expect([counters.pipes, ends]).toEqual([0, 1]);
  });

  it.each(['client', 'node'] as const)('reads no further than its buffers while the %s does not read', async (side) => {
    const [reader, writer] = side === 'client' ? [client, node] : [node, client];
    reader.far.pause();
    writer.far.write(Buffer.alloc(MANY_BYTES));
    await expect.poll(() => reader.near.writableNeedDrain && writer.near.isPaused()).toBe(true);
    expect(reader.near.writableLength + writer.near.readableLength).toBeLessThan(BUFFER_BYTES);
    expect(writer.far.writableLength).toBeGreaterThan(0);
    const bytes = MANY_BYTES + (side === 'client' ? RESPONSE : HEAD).length;
    expect(await read(reader.far, bytes)).toHaveLength(bytes);
  });

  it('is cut when its node drains', async () => {
    nodeState.drain();
    await closed(client.near, node.near);
    expect([counters.pipes, ends]).toEqual([0, 1]);
  });

  it('is cut when its node stops', async () => {
    pipes.stop();
    await closed(client.near, node.near);
    expect([counters.pipes, ends]).toEqual([0, 1]);
  });

  it('counts no end twice', async () => {
    pipes.stop();
    pipes.stop();
    nodeState.drain();
    await closed(client.near);
    expect([counters.pipes, ends]).toEqual([0, 1]);
  });
});

describe('a pipe whose client takes no bytes', () => {
  it('is cut, because the end of the node would not be noticed', async () => {
    const counters = new Counters();
    const pipes = new Pipes(counters, readSettings({ SLOW_CONSUMER_MS: '100' }, {}), new NodeState());
    const [client, node] = [await line(), await line()];
    pipes.join(client.near, HEAD, { socket: node.near, response: RESPONSE }, () => undefined);
    node.far.write(Buffer.alloc(MANY_BYTES));
    await expect.poll(() => client.near.writableNeedDrain).toBe(true);
    node.far.destroy();
    await closed(client.near, node.near);
    expect(counters.pipes).toBe(0);
  });
});

describe('many pipes', () => {
  it('are cut one after the other within DRAIN_SPREAD_MS', async () => {
    const counters = new Counters();
    const nodeState = new NodeState();
    const pipes = new Pipes(counters, readSettings({ DRAIN_SPREAD_MS: '500' }, {}), nodeState);
    for (let count = 0; count < 20; count++) {
      const [client, node] = [await line(), await line()];
      for (const { far } of [client, node]) far.resume();
      pipes.join(client.near, HEAD, { socket: node.near, response: RESPONSE }, () => undefined);
    }
    nodeState.drain();
    await expect.poll(() => counters.pipes, { interval: 1 }).toBeLessThan(20);
    expect(counters.pipes).toBeGreaterThan(10);
    await expect.poll(() => counters.pipes).toBe(0);
  });
});

/** Waits until sockets have emitted `close`, also for an error. */
async function closed(...sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) await closing.get(socket);
}

/** Opens a TCP connection whose ends may be half-open, as those of the HTTP server. */
async function line(): Promise<Line> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: '127.0.0.1' });
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [near, far])
    closing.set(socket, new Promise((resolve) => socket.once('close', () => resolve())));
  far.on('error', () => undefined);
  return { near, far };
}
