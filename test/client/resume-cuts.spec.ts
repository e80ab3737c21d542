import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../../packages/client/src/connect.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { Random } from '../support/random.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, join } from '../support/switchboard-client.js';

const MESSAGES = 600;
const CUTS = 12;

let server: TestServer;
let proxy: FaultProxy;
beforeAll(async () => {
  server = await startServer({ MESSAGES_PER_SECOND: '0' });
  proxy = await FaultProxy.start(server.port);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

/** Sends numbered messages, a few at a time, and resolves to the number of those that were acknowledged. */
async function sends(from: Client, to: string, random: Random): Promise<number> {
  const numbers = Array.from({ length: MESSAGES }, (_, number) => number);
  let acknowledged = 0;
  while (numbers.length > 0) {
    const some = numbers.splice(0, random.between(1, 20));
    const acks = await Promise.all(some.map((number) => from.send(to, 'n', number, { timeoutMs: 30_000 })));
    acknowledged += acks.filter(({ status }) => /^(routed|held|accepted)$/.test(status)).length;
  }
  return acknowledged;
}

/** Cuts the connection at random: at any time, or by a network that drops bytes before. */
async function cuts(client: Client, random: Random): Promise<void> {
  for (let count = 0; count < CUTS; count++) {
    const open = becomes(client, 'open');
    proxy.discards = random.pick(['nothing', 'nothing', 'responses', 'everything'] as const);
    if (random.once(2)) await new Promise(setImmediate);
    proxy.cut();
    proxy.discards = 'nothing';
    if (random.once(3)) proxy.cut(); // also during the next handshake
    expect(await open).toMatchObject({ resumed: true });
  }
}

it.each([1, 2, 3, 4, 5])('loses, doubles and reorders nothing while its connection is cut: seed %i', async (seed) => {
  const random = new Random(seed);
  const [ann, bob] = [join(proxy.url, { minDelayMs: 1, maxDelayMs: 20 }), join(server.url)];
  const [annId, bobId] = [await ann.ready(), await bob.ready()];
  await ann.join('garden');
  await bob.join('garden');
  const [atAnn, atBob]: [unknown[], unknown[]] = [[], []];
  ann.on('n', ({ data, receiver }) => atAnn.push([receiver, data]));
  bob.on('n', ({ data }) => atBob.push(data));
  const departures: unknown[] = [];
  for (const type of ['sys.departed', 'sys.left']) bob.on(type, ({ sender }) => departures.push(sender));
  const acknowledged = await Promise.all([
    sends(ann, bobId, random),
    sends(bob, annId, random),
    sends(bob, '#garden', random),
    cuts(ann, random),
  ]);
  await ann.send(annId, 'last');
  const numbers = Array.from({ length: MESSAGES }, (_, number) => number);
  expect(acknowledged.slice(0, 3)).toEqual([MESSAGES, MESSAGES, MESSAGES]);
  expect(atBob).toEqual(numbers);
  for (const receiver of [annId, '#garden'])
    expect(atAnn.filter((each) => (each as unknown[])[0] === receiver)).toEqual(
      numbers.map((number) => [receiver, number]),
    );
  expect([ann.id, departures]).toEqual([annId, []]);
  ann.close();
  bob.close();
});
