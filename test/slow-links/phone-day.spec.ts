import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client, SendError, StateChange, Token } from '../../packages/client/src/connect.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { PageEvents } from '../support/page-events.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, join } from '../support/switchboard-client.js';
import { AUTH, soon, token } from '../support/tokens.js';
import { WebSocketProxy } from '../support/websocket-proxy.js';

const HOUR = 3_600_000;

/** A phone whose network, page and clock change during a day, and a desk that answers each of its messages. */
class Day {
  readonly page = new PageEvents();
  readonly phone: Client;
  /** The outcome of each message of the phone, by its number: `routed`, or the error. */
  readonly outcomes = new Map<number, string | SendError>();
  readonly atDesk: number[] = [];
  readonly atPhone: number[] = [];
  /** Answers of the desk that the server put on a connection of the phone. */
  readonly routedToPhone: number[] = [];
  readonly states: StateChange[] = [];
  /** The next tokens; then good ones. */
  readonly tokens: (() => Promise<string | Token>)[] = [];
  tokenCalls = 0;
  readonly #settled: Promise<unknown>[] = [];
  #lastNumber = 0;

  constructor(
    readonly network: FaultProxy,
    readonly desk: Client,
  ) {
    this.phone = join(network.url, {
      WebSocket: this.page.socketClass(),
      timeoutMs: 1500,
      queueSize: 8,
      token: () => {
        this.tokenCalls++;
        return (this.tokens.shift() ?? (() => token({ sub: 'phone' })))();
      },
    });
    this.phone.onState((change) => this.states.push(change));
    this.phone.on('answer', ({ data }) => this.atPhone.push(data as number));
    desk.on('chat', ({ sender, data }) => {
      this.atDesk.push(data as number);
      const answered = desk.send(sender, 'answer', data).then(
        () => this.routedToPhone.push(data as number),
        () => undefined, // the phone has left
      );
      this.#settled.push(answered);
    });
  }

  /** Sends messages, and resolves when each one has its outcome. */
  async chats(count: number): Promise<number[]> {
    const numbers = Array.from({ length: count }, () => ++this.#lastNumber);
    await Promise.all(
      numbers.map(async (number) => {
        const outcome = await this.phone.send(this.desk.id!, 'chat', number, { timeoutMs: 20_000 }).then(
          ({ status }) => status,
          (error: SendError) => error,
        );
        this.outcomes.set(number, outcome);
      }),
    );
    return numbers;
  }

  /** Sends messages on a good network, and resolves when all answers have arrived. */
  async talks(count: number): Promise<void> {
    await this.chats(count);
    await this.answered();
  }

  /** Changes the phase of the phone by a cause. */
  async becomes(phase: 'open' | 'waiting', cause: () => unknown): Promise<StateChange> {
    const change = becomes(this.phone, phase);
    cause();
    return change;
  }

  /** Resolves when the desk has sent its last answer, and the phone has received what came before its own message. */
  async answered(): Promise<void> {
    await Promise.all(this.#settled);
    await this.phone.send(this.phone.id!, 'last');
  }
}

let server: TestServer;
let proxy: WebSocketProxy;
let network: FaultProxy;
let desk: Client;
beforeAll(async () => {
  server = await startServer(AUTH);
  proxy = await WebSocketProxy.start(server.url);
  network = await FaultProxy.start(proxy.port);
  desk = join(server.url, { token: () => token({ sub: 'desk' }) });
  await desk.ready();
});
afterAll(async () => {
  desk.close();
  await network.stop();
  await proxy.stop();
  await server.stop();
});

it('accounts for every message of a day of a phone', async () => {
  const day = new Day(network, desk);
  const { phone, page } = day;
  await phone.ready();
  await day.talks(20);

  // The phone changes the network: the old one answers nothing, and ends nothing.
  network.discards = 'everything';
  const onDeadNetwork = day.chats(3);
  expect(await day.becomes('waiting', () => page.emit('online'))).toMatchObject({ reason: 'silent' });
  network.discards = 'nothing';
  await onDeadNetwork;
  await day.talks(5);

  // The network is lost in one direction: messages arrive, their acknowledgements do not.
  network.discards = 'responses';
  const unacknowledged = day.chats(3);
  await expect.poll(() => day.atDesk.length).toBe(28);
  await day.becomes('waiting', () => network.cut());
  network.discards = 'nothing';
  await unacknowledged;
  await day.talks(5);

  // The phone sleeps: it leaves, and sends what was written meanwhile when it wakes.
  expect(await day.becomes('waiting', () => page.emit('freeze'))).toMatchObject({ reason: 'page_hidden' });
  const asleep = day.chats(8);
  const tooMany = day.chats(2);
  await day.becomes('open', () => page.emit('resume'));
  await Promise.all([asleep, tooMany]);
  await day.answered();

  // A captive portal answers with a page, then with a redirect, until the user has logged in.
  for (const captive of ['page', 'redirect'] as const) {
    proxy.captive = captive;
    proxy.captured = 0;
    await day.becomes('waiting', () => network.cut());
    await expect.poll(() => proxy.captured).toBeGreaterThan(1);
    const behindThePortal = day.chats(3);
    proxy.captive = undefined;
    await day.becomes('open', () => page.emit('online'));
    await behindThePortal;
    await day.answered();
  }

  // The phone's clock is an hour ahead, so each token seems to have expired.
  const callsBefore = day.tokenCalls;
  const from = performance.now();
  for (let count = 0; count < 3; count++)
    day.tokens.push(async () => ({ token: await token({ sub: 'phone' }), expiresAt: Date.now() - HOUR }));
  await day.becomes('open', () => network.cut());
  await expect.poll(() => day.tokenCalls - callsBefore).toBe(3);
  expect(performance.now() - from).toBeGreaterThan(2900); // 1 s and 2 s apart
  await day.talks(5);

  // The token expires, and the next one has expired before.
  day.tokens.push(
    () => token({ sub: 'phone', expires: soon(4) }),
    () => token({ sub: 'phone', expires: soon(-60) }),
  );
  await day.becomes('open', () => network.cut());
  expect(await becomes(phone, 'waiting')).toMatchObject({ code: 4102 });
  await day.talks(5);

  // A proxy closes with the code of a client that is done.
  expect(await day.becomes('waiting', () => proxy.close(1000))).toMatchObject({ code: 1000 });
  await day.talks(5);

  // The application closes in the evening, with a message that waits.
  await day.becomes('waiting', () => network.disable());
  const late = day.chats(1);
  phone.close();
  await late;

  account(day);
});

/** Checks that each message arrived exactly once, except those that the client did not send; and that no answer is lost. */
function account({ outcomes, atDesk, atPhone, routedToPhone, states, phone }: Day): void {
  const notSent: string[] = [];
  for (const [number, outcome] of outcomes) {
    const arrivals = atDesk.filter((each) => each === number).length;
    if (typeof outcome === 'string') expect([number, outcome, arrivals]).toEqual([number, 'routed', 1]);
    else {
      notSent.push(outcome.code);
      expect([number, outcome.sent, arrivals]).toEqual([number, false, 0]);
    }
  }
  expect(notSent.toSorted()).toEqual(['closed', 'queue_full', 'queue_full']);
  expect(atDesk).toEqual(atDesk.toSorted((a, b) => a - b));
  expect(atPhone).toEqual(atPhone.toSorted((a, b) => a - b));
  expect(new Set(atPhone).size).toBe(atPhone.length);
  for (const number of routedToPhone) expect(atPhone).toContain(number);
  const ends = states.filter(({ resumed }) => resumed === false);
  expect(ends.map(({ reason }) => reason)).toEqual(['ended']); // by the proxy that closes with 1000
  expect(states.filter(({ phase }) => phase === 'closed')).toEqual([{ phase: 'closed', code: 1000, reason: '' }]);
  expect(phone.id).toBeUndefined();
}
