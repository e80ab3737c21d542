import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame, closeFrame } from '../support/client-frames.js';
import { connect, type Client, type Received } from '../support/client.js';
import { Random } from '../support/random.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

const SEED = 20_261_123;

/** Takes all envelopes that a session has received. */
async function takeAll(client: Client): Promise<Received[]> {
  await client.settled();
  return client.inbox.splice(0);
}

function eventsOf(sender: string, received: readonly Received[]): string[] {
  return received
    .filter((envelope) => envelope.sender === sender)
    .map(({ type, data }) => (type === 'm' ? `m${data}` : type));
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}

describe('notices of arrivals and departures', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  it.each(['0', '50'])(
    'are sent exactly once, in order with messages, when many sessions open and close at once (window %s)',
    async (window) => {
      server = await startServer({ NOTICE_WINDOW_MS: window });
      const registry = server.app.get(SessionRegistry);
      const random = new Random(SEED);
      const watchers = [await connect(server.url), await connect(server.url), await connect(server.url)];
      for (const watcher of watchers) await takeAll(watcher);
      for (let round = 0; round < 6; round++) {
        const guests = await Promise.all(
          Array.from({ length: 60 }, () => RawClient.open(server.port, { endsItself: true })),
        );
        const codes = new Map<string, number>();
        const sent = new Map<string, number[]>(guests.map(({ id }) => [id, []]));
        for (const guest of random.shuffle(guests)) {
          const messages = Array.from({ length: random.below(4) }, (_, number) => {
            const to = random.below(4);
            if (to < 2) sent.get(guest.id)!.push(to * 10 + number);
            return clientFrame(`{"type":"m","receiver":"${watchers[to]?.id ?? guest.id}","data":${to * 10 + number}}`);
          });
          const ending = random.once(3) ? Buffer.alloc(0) : closeFrame(4000 + round);
          codes.set(guest.id, ending.length > 0 ? 4000 + round : 1006);
          guest.socket.end(Buffer.concat([...messages, ending]));
        }
        await until(() => registry.size === watchers.length);
        const received = await Promise.all(
          watchers.map(async (watcher) => {
            const seen: Received[] = [];
            while (seen.filter(({ type }) => type === 'sys.departed').length < guests.length) {
              seen.push(await watcher.next());
            }
            return [...seen, ...(await takeAll(watcher))];
          }),
        );
        for (const index of watchers.keys())
          for (const { id } of guests) {
            const messages = sent.get(id)!.filter((number) => Math.floor(number / 10) === index);
            expect(eventsOf(id, received[index]!), `seed ${SEED}, round ${round}`).toEqual([
              'sys.arrived',
              ...(index < 2 ? messages.map((number) => `m${number}`) : eventsOf(id, received[index]!).slice(1, -1)),
              'sys.departed',
            ]);
            const departed = received[index]!.find(({ type, sender }) => type === 'sys.departed' && sender === id);
            expect(departed!.data).toEqual({ code: codes.get(id) });
          }
        const orders = received.map((list) =>
          list.filter(({ type, sender }) => type !== 'm' && codes.has(sender)).map(key),
        );
        expect(orders[1]).toEqual(orders[0]);
        expect(orders[2]).toEqual(orders[0]);
      }
    },
  );

  it('are not sent to later sessions nor to their own session, however many are pending', async () => {
    server = await startServer({ NOTICE_WINDOW_MS: '10000' });
    const registry = server.app.get(SessionRegistry);
    const present = new Set<RawClient>();
    let came = 0;
    while (came < 4200) {
      const guests = await Promise.all(
        Array.from({ length: 60 }, () => RawClient.open(server.port, { endsItself: true })),
      );
      came += guests.length;
      for (const guest of guests) present.add(guest);
      const before = [...present].slice(0, 50);
      for (const guest of before) {
        guest.socket.end(closeFrame());
        present.delete(guest);
      }
      came += before.length;
      await until(() => registry.size === present.size);
    }
    const wrong = [...present].filter(({ id, lines }) =>
      lines.some((line) => line.includes(`"sys.arrived","sender":"${id}"`)),
    );
    expect(wrong.map(({ lines }) => lines.length)).toEqual([]);
  });

  it('precede the first message of a new session, even inside the notice window', async () => {
    server = await startServer({ NOTICE_WINDOW_MS: '10000' });
    const old = await connect(server.url);
    const young = await connect(server.url);
    young.send({ type: 'm', receiver: old.id, data: 1 });
    young.send({ type: 'm', receiver: '*', data: 2 });
    await young.settled();
    expect(eventsOf(young.id, await takeAll(old))).toEqual(['sys.arrived', 'm1', 'm2']);
    expect(young.inbox).toEqual([]);
    await young.close(1000);
    const third = await connect(server.url);
    third.send({ type: 'm', receiver: old.id, data: 3 });
    await third.settled();
    const received = await takeAll(old);
    expect(received.map(key)).toEqual([`sys.departed ${young.id}`, `sys.arrived ${third.id}`, `m ${third.id}`]);
  });

  it('are sent only to peers with NOTICE_SCOPE=peers', async () => {
    server = await startServer({ NOTICE_SCOPE: 'peers', ARRIVAL_NOTICES: 'off' });
    const [one, two, three, other] = [
      await connect(server.url),
      await connect(server.url),
      await connect(server.url),
      await connect(server.url),
    ];
    expect(one.welcome.data.notices).toBe('peers');
    one.send({ type: 'm', receiver: two.id, data: 1 });
    three.send({ type: 'm', receiver: one.id, data: 2 });
    one.send({ type: 'm', receiver: 'nobody', data: 3 });
    await one.settled();
    await three.settled();
    one.terminate();
    expect(await two.next('sys.departed')).toMatchObject({ sender: one.id, data: { code: 1006 } });
    expect(await three.next('sys.departed')).toMatchObject({ sender: one.id, data: { code: 1006 } });
    expect(await takeAll(other)).toEqual([]);
    await two.close(1000);
    await until(() => server.app.get(SessionRegistry).size === 2);
    expect(await takeAll(three)).toEqual([]);
  });

  it('do not count an invalid frame as an exchange of peers', async () => {
    server = await startServer({ NOTICE_SCOPE: 'peers', ARRIVAL_NOTICES: 'off' });
    const one = await connect(server.url);
    const two = await RawClient.open(server.port, { endsItself: true });
    const bytes = Buffer.from(`{"type":"m","receiver":"${one.id}","data":"??"}`.replace('??', 'é'));
    bytes[bytes.length - 3] = 0x28;
    const over = two.until((line) => line.startsWith('close'));
    two.socket.write(clientFrame(bytes));
    await over;
    expect(two.lines).toEqual(['close 1007 ']);
    expect(await takeAll(one)).toEqual([]);
  });

  it('are not sent with NOTICE_SCOPE=none', async () => {
    server = await startServer({ NOTICE_SCOPE: 'none', ARRIVAL_NOTICES: 'off' });
    const one = await connect(server.url);
    const two = await connect(server.url);
    expect(one.welcome.data.notices).toBe('none');
    two.send({ type: 'm', receiver: one.id, data: 1 });
    await two.settled();
    await two.close();
    await until(() => server.app.get(SessionRegistry).size === 1);
    expect((await takeAll(one)).map(key)).toEqual([`m ${two.id}`]);
  });
});

function key({ type, sender }: Received): string {
  return `${type} ${sender}`;
}
