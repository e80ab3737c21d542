import { connect as connectTcp } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from '../support/client-frames.js';
import { handshake, hostileFrames, hostileHandshake } from '../support/hostile.js';
import { Random } from '../support/random.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

const SEED = 20_261_124;
const HOSTILE = 200_000;
/** Frames sent before memory is measured, because the server keeps some memory for reuse. */
const WARM_UP = HOSTILE / 10;
const CONCURRENT = 12;
const BURST = 8;
/** Bound on the growth of heap and buffers after a garbage collection. */
const MEMORY_BOUND_BYTES = 8 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function bytesInUse(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    collectGarbage();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Sends a burst of numbered messages; each must arrive once, in order, and be acknowledged. */
async function sendBurst(from: RawClient, to: RawClient, first: number): Promise<void> {
  const last = first + BURST - 1;
  const arrived = to.until((line) => line.includes('"type":"calm"') && line.includes(`"id":"${last}"`));
  const acknowledged = from.until((line) => line.includes('"sys.ack"') && line.includes(`"ref":"${last}"`));
  for (let number = first; number <= last; number++)
    from.socket.write(clientFrame(`{"type":"calm","receiver":"${to.id}","id":"${number}","data":${number}}`));
  await Promise.all([arrived, acknowledged]);
  const numbers = Array.from({ length: BURST }, (_, index) => first + index);
  const calm = to.lines.filter((line) => line.includes(`"sender":"${from.id}"`) && line.includes('"type":"calm"'));
  expect(calm).toEqual(
    numbers.map((n) => `text {"sender":"${from.id}","type":"calm","receiver":"${to.id}","id":"${n}","data":${n}}`),
  );
  const acks = from.lines.filter((line) => line.includes('"type":"sys.ack"'));
  expect(acks).toEqual(
    numbers.map((n) => expect.stringContaining(`"ref":"${n}","data":{"status":"routed"}`) as string),
  );
  from.frames.length = 0;
  to.frames.length = 0;
}

describe('a server under hostile traffic', () => {
  let server: TestServer;
  let registry: SessionRegistry;
  beforeAll(async () => {
    server = await startServer();
    registry = server.app.get(SessionRegistry);
  });
  afterAll(() => server.stop());

  /** Writes bytes to a new connection in chunks and waits until it closes; returns its internal errors. */
  function attack(random: Random, bytes: Buffer): Promise<string[]> {
    return new Promise((resolve) => {
      const faults: string[] = [];
      const socket = connectTcp(server.port, '127.0.0.1', () => void write());
      socket.on('data', (chunk) => {
        if (chunk.includes('internal_error')) faults.push(chunk.toString());
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(faults));
      const write = async (): Promise<void> => {
        for (let at = 0; at < bytes.length && socket.writable;) {
          const end = at + random.pick([1, 50, 1000, 20_000, 100_000]);
          socket.write(bytes.subarray(at, end));
          at = end;
          if (random.once(3)) await turn();
        }
        const end = random.below(8);
        if (end === 0) socket.resetAndDestroy();
        else if (end === 1) socket.destroy();
        else socket.end();
      };
    });
  }

  async function attackConcurrently(one: RawClient, two: RawClient, from: number, to: number): Promise<void> {
    let fired = from;
    const attacker = async (number: number): Promise<void> => {
      for (let round = 0; fired < to; round++) {
        const seed = SEED + from + number * 1_000_000 + round;
        const random = new Random(seed);
        const frames = random.once(4) ? [] : hostileFrames(random, { receivers: [one.id, two.id, '*', 'x'] }, 80);
        fired += Math.max(1, frames.length);
        const bytes = frames.length === 0 ? hostileHandshake(random) : Buffer.concat([handshake(), ...frames]);
        const faults = await attack(random, bytes);
        if (faults.length > 0) throw new Error(`seed ${seed}: ${faults[0]}\n${bytes.toString('hex')}`);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, (_, number) => attacker(number)));
  }

  it(
    `delivers all messages of a normal pair during ${HOSTILE} hostile frames and handshakes`,
    { timeout: 240_000 },
    async () => {
      const one = await RawClient.open(server.port, { endsItself: true });
      const two = await RawClient.open(server.port, { endsItself: true });
      let sent = 0;
      const exchangeDuring = async (work: Promise<void>): Promise<void> => {
        const done = work.then(async () => {
          while (registry.size > 2) await turn();
          return true;
        });
        do {
          await sendBurst(one, two, sent);
          await sendBurst(two, one, sent);
          sent += BURST;
        } while (!(await Promise.race([done, turn(false)])));
      };
      await exchangeDuring(attackConcurrently(one, two, 0, WARM_UP));
      const before = await bytesInUse();
      await exchangeDuring(attackConcurrently(one, two, WARM_UP, HOSTILE));
      const grown = (await bytesInUse()) - before;
      expect(sent).toBeGreaterThan(1000);
      expect(one.over || two.over).toBe(false);
      expect(registry.size).toBe(2);
      expect(registry.slowConsumers.totalBytes).toBe(0);
      expect(grown).toBeLessThan(MEMORY_BOUND_BYTES);
    },
  );
});
