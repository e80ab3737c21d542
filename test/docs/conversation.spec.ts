import { Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Drain } from '../../src/ops/shutdown/drain.js';
import {
  ackFrame,
  awayFrame,
  backFrame,
  errorFrame,
  gapFrame,
  roomFrame,
  seenFrame,
  SERVER_MESSAGES,
  undeliveredFrame,
  userAckFrame,
} from '../../src/protocol/index.js';
import { AnswersGateway } from '../support/answers.gateway.js';
import { FrameValidator } from '../support/asyncapi.js';
import { connect, type Client, type Received } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { ORDER, OrdersGateway, OtherOrdersGateway } from '../support/orders.gateway.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

@Module({ providers: [OrdersGateway, OtherOrdersGateway, AnswersGateway] })
class WordsModule {}

const KEY = 'a key of some length'.replaceAll(' ', '-');
describe('a real conversation', () => {
  keepLogLines();
  let server: TestServer;
  let judge: FrameValidator;
  /** The message of the document that a client's frame is judged by, and the frames that came. */
  const received: string[] = [];
  beforeAll(async () => {
    server = await startServer({ API_KEYS: KEY }, [WordsModule]);
    judge = await FrameValidator.of(server.port);
  });
  afterAll(() => server.stop());

  it('is made of frames that the document knows, and of all that it knows', async () => {
    await talk(server);
    await talkWithTokens();
    await talkAndReturn(server);
    received.push(text(ackFrame(ID, 'm', 'accepted', 3)));
    received.push(text(errorFrame(ID, 'rate_limited', 'Over the rate.', undefined, { retryAfterMs: 5 })));
    received.push(text(roomFrame('garden', 1204)), text(gapFrame(ID, { messages: 3, notices: 0 })));
    received.push(text(userAckFrame(ID, 'm', 0, 3)), text(undeliveredFrame(ID, 'm', ID)));
    received.push(text(awayFrame(ID)), text(backFrame(ID)), text(seenFrame(ID, 412)));
    const envelopes = received.map((frame) => JSON.parse(frame) as Received);
    expect(envelopes.filter((envelope) => judge.matchSent(envelope).length === 0)).toEqual([]);
    for (const type of Object.keys(SERVER_MESSAGES)) {
      const sent = envelopes.filter((envelope) => envelope.type === type);
      expect(sent.map((envelope) => judge.matchSent(envelope))).toEqual(sent.map(() => [type]));
      const fields = new Set(sent.flatMap(({ data }) => (isObject(data) ? Object.keys(data) : [])));
      expect([type, [...fields].toSorted()]).toEqual([type, documented(judge, type).toSorted()]);
      expect([type, sent.length > 0]).toEqual([type, true]);
    }
    const kinds = new Set(envelopes.flatMap((envelope) => judge.matchSent(envelope)));
    for (const kind of ['from-session', 'from-server', 'order-place.answer']) expect(kinds).toContain(kind);
  });

  it.each([
    { type: 'sys.welcome', sender: 'server', receiver: 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb', data: {} },
    { type: 'sys.departed', sender: 'server', receiver: '*', data: { code: 1000 } },
    { type: 'sys.ack', sender: 'server', receiver: 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb', data: { status: 'routed' } },
    { type: 'sys.news', sender: 'server', receiver: '*' },
    { type: 'sys.joined', sender: 'server', receiver: '#garden', data: {} },
    { type: 'sys.away', sender: 'server', receiver: '*' },
    { type: 'sys.left', sender: 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb', receiver: '*', data: {} },
    { type: 'chat', sender: 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb', receiver: '#a b' },
    { type: 'chat', sender: 'somebody', receiver: '*' },
    { type: 'chat', sender: 'server', receiver: '*', more: 1 },
  ])('has no frame such as %o', (frame) => {
    expect(judge.matchSent(frame)).toEqual([]);
  });

  it('goes on after every frame that the document allows, and after no other', async () => {
    const alice = await connect(server.url);
    for (const { type, receiver, data, fits } of questions()) {
      const frame = { type, id: 'q', ...(receiver !== undefined && { receiver }), ...(data !== undefined && { data }) };
      expect([frame, judge.matchReceived(frame).length > 0]).toEqual([frame, fits]);
      alice.send(frame);
      let answer: Received;
      do answer = await alice.next();
      while (answer.ref !== 'q' || !answer.type.startsWith('sys.'));
      const refused = answer.type === 'sys.error' && ['invalid_message', 'reserved_type'].includes(answer.data.code);
      expect([frame, answer.data, refused]).toEqual([frame, answer.data, !fits]);
    }
    await alice.close();
  });

  /** Without tokens: every kind of message, answer and refusal. */
  async function talk({ url, port }: TestServer): Promise<void> {
    const alice = await connect(url);
    const bob = await connect(url);
    await alice.next('sys.arrived');
    for (const id of ['m', undefined]) {
      alice.send({ type: 'chat', receiver: bob.id, id, data: [1, { deep: null }] });
      alice.send({ type: 'chat', receiver: '*', id });
      alice.send({ type: 'sys.who', id, data: { limit: 1 } });
      alice.send({ type: 'sys.ping', id });
      alice.send({ type: 'sys.ping', id, data: { deep: [1] } });
      alice.send({ type: 'chat', receiver: 'nobody', id });
      alice.send({ type: 'chat', id });
      alice.send({ type: 'sys.mine', id });
      alice.send({ type: 'order:place', id, data: ORDER });
      alice.send({ type: 'order:place', id, data: { ...ORDER, size: 'XL' } });
      alice.send({ type: 'order.cancel', id, data: { number: 3 } });
      alice.send({ type: 'order.menu', id });
      for (const kind of ['text', 'code', 'error']) alice.send({ type: 'a.throw', id, data: { kind } });
      alice.send({ type: 'a.guarded', id });
      alice.send({ type: 'a.observable', id, data: [1, null, 'x'] });
    }
    alice.sendText('{');
    await fetch(`http://127.0.0.1:${port}/api/v1/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ type: 'news', sender: 'server/billing', receiver: '*', id: 'n', data: 1 }),
    });
    alice.send({ type: 'order.menu', id: 'last' });
    while ((await alice.next('sys.ack')).ref !== 'last');
    await bob.close(4321);
    await alice.next('sys.departed');
    await alice.close();
    keep(alice, bob);
  }

  /** With tokens and users shown, until the server leaves. */
  async function talkWithTokens(): Promise<void> {
    const other = await startServer({ ...AUTH, SHOW_USERS: 'on', DRAIN_SPREAD_MS: '0', DRAIN_TIMEOUT_MS: '5000' });
    const ann = await connect(other.url, bearer(await token({ sub: 'ann' })));
    const ben = await connect(other.url, bearer(await token({ sub: 'ben' })));
    await ann.next('sys.arrived');
    ann.send({ type: 'sys.who', id: 'w' });
    await ann.next('sys.sessions');
    await talkInRoom(ann, ben);
    const renewal = { type: 'sys.auth', id: 'r', data: { token: await token({ sub: 'ann' }) } };
    expect(judge.matchReceived(renewal)).toEqual(['sys.auth']);
    ann.send(renewal);
    await ann.next('sys.ack');
    ann.send({ ...renewal, data: { token: 'bad' } });
    await ann.next('sys.error');
    await other.app.get(Drain, { strict: false }).run();
    await Promise.all([ann.closed, ben.closed]);
    keep(ann, ben);
    await other.stop();
  }

  /** The welcomes of sessions that resume. */
  async function talkAndReturn({ url }: TestServer): Promise<void> {
    const open = (offer: string): Promise<Client> => connect(url, { protocols: ['switchboard.v1', offer] });
    const ann = await open('resume');
    const { token: resumeToken } = (ann.welcome.data as { resume: { token: string } }).resume;
    ann.terminate();
    const back = await open(`resume.${resumeToken}.0`);
    expect(back.id).toBe(ann.id);
    back.send({ type: 'sys.seen', data: { frames: 0 } });
    await back.settled();
    const late = await open(`resume.${resumeToken}.0`);
    for (const client of [back, late]) await client.close();
    keep(ann, back, late);
  }

  /** Every kind of message about users and rooms; the second client leaves at the end. */
  async function talkInRoom(ann: Client, ben: Client): Promise<void> {
    const request = async (client: Client, type: string, receiver: string, answer: string): Promise<void> => {
      const frame = { type, receiver, id: 'g' };
      expect(judge.matchReceived(frame)).toHaveLength(1);
      client.send(frame);
      await client.next(answer);
    };
    await request(ann, 'sys.join', '#garden', 'sys.members');
    await request(ben, 'sys.join', '#garden', 'sys.members');
    await ann.next('sys.joined');
    ann.send({ type: 'sys.who', receiver: '#garden', data: { limit: 1 } });
    await ann.next('sys.members');
    await request(ann, 'chat', '#garden', 'sys.ack');
    await request(ann, 'chat', '@ben', 'sys.ack');
    await request(ann, 'sys.who', '@ben', 'sys.sessions');
    await request(ann, 'sys.watch', '@ben', 'sys.presence');
    await request(ben, 'sys.leave', '#garden', 'sys.ack');
    await ann.next('sys.left');
    await request(ben, 'sys.join', '#garden', 'sys.members');
    await ben.close(4321);
    await ann.next('sys.left');
    await ann.next('sys.presence');
    await request(ann, 'sys.unwatch', '@ben', 'sys.ack');
  }

  function keep(...clients: readonly Client[]): void {
    for (const { frames } of clients) received.push(...frames);
  }
});

const ID = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

interface Question {
  readonly type: string;
  readonly receiver?: string;
  readonly data?: unknown;
  readonly fits: boolean;
}

/** Data that a client may and may not send with each type: the document and the server must refuse the same. */
function questions(): Question[] {
  const good = (type: string, ...bodies: readonly unknown[]): Question[] =>
    bodies.map((data) => ({ type, data, fits: true }));
  const bad = (type: string, ...bodies: readonly unknown[]): Question[] =>
    bodies.map((data) => ({ type, data, fits: false }));
  const goodFor = (receiver: string, ...types: readonly string[]): Question[] =>
    types.map((type) => ({ type, receiver, fits: true }));
  const badFor = (receiver: string, ...types: readonly string[]): Question[] =>
    types.map((type) => ({ type, receiver, fits: false }));
  const withData = (asked: readonly Question[], data: unknown): Question[] =>
    asked.map((question) => ({ ...question, data }));
  const [item] = ORDER.items;
  return [
    ...goodFor('#garden', 'sys.who', 'sys.join', 'sys.join', 'chat', 'sys.who', 'sys.leave', 'sys.leave'),
    ...goodFor('@zoë', 'sys.who', 'sys.watch', 'sys.watch', 'chat', 'sys.unwatch', 'sys.unwatch'),
    ...withData(goodFor('#garden', 'sys.who'), { limit: 1, after: 'x' }),
    ...badFor('#a b', 'sys.who', 'sys.join', 'sys.leave', 'chat'),
    ...badFor('@', 'sys.who', 'sys.watch', 'sys.unwatch', 'chat'),
    ...badFor('#', 'sys.join', 'chat'),
    ...badFor('@zoë', 'sys.join', 'sys.leave'),
    ...badFor('#garden', 'sys.watch', 'sys.unwatch'),
    ...bad('sys.join', undefined),
    ...bad('sys.watch', undefined),
    ...withData(badFor('#garden', 'sys.join', 'sys.leave'), { more: 1 }),
    ...withData(badFor('@zoë', 'sys.watch', 'sys.unwatch'), 'x'),
    ...withData(badFor('#garden', 'sys.who'), { limit: 0 }),
    ...good('sys.ping', undefined, 1, null, { any: ['thing'] }),
    ...good('sys.who', undefined, {}, { limit: 1 }, { limit: 1000, after: 'x' }),
    ...bad('sys.who', [], 'x', { limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { limit: '1' }, { more: 1 }),
    ...bad('sys.who', { after: 'x'.repeat(129) }, { after: 1 }),
    ...bad('sys.auth', undefined, {}, { token: 1 }, { token: 'x', more: 1 }, 'x'),
    ...bad('sys.welcome', undefined, {}),
    ...bad('sys.anything', undefined),
    ...good('order:place', ORDER, { ...ORDER, gift: item, tip: 0.5, card: 'x' }, { ...ORDER, where: 'away', tags: [] }),
    ...good('order:place', { ...ORDER, note: 'ab' }, { ...ORDER, note: '🍲'.repeat(40) }),
    ...bad(
      'order:place',
      undefined,
      {},
      { ...ORDER, more: 1 },
      { ...ORDER, note: 'a' },
      { ...ORDER, note: 'a'.repeat(41) },
    ),
    ...bad('order:place', { ...ORDER, size: 'M' }, { ...ORDER, where: 4 }, { ...ORDER, items: [] }),
    ...bad('order:place', { ...ORDER, items: [item, item, item, item] }, { ...ORDER, items: [{ ...item, count: 0 }] }),
    ...bad('order:place', { ...ORDER, items: [{ ...item, sku: 'abc' }] }, { ...ORDER, gift: { ...item, more: 1 } }),
    ...bad('order:place', { ...ORDER, tags: ['a', 'a'] }, { ...ORDER, tags: [''] }, { ...ORDER, tags: ['abcdef'] }),
    ...bad(
      'order:place',
      { ...ORDER, tip: 0 },
      { ...ORDER, card: 1 },
      { ...ORDER, key: 'x' },
      { ...ORDER, terms: false },
    ),
    ...bad('order:place', { ...ORDER, table: '' }, { ...ORDER, floor: 2 }),
    ...good('order.other', { other: 1 }),
    ...bad('order.other', ORDER, { other: 'x' }),
    ...good('order.menu', undefined, { any: 'thing' }),
  ];
}

/** The fields of a word's data that the document knows. */
function documented({ document }: FrameValidator, type: string): string[] {
  const { payload } = document.components.messages[type] as {
    payload: { properties: { data?: { $ref?: string } } };
  };
  const name = payload.properties.data?.$ref?.split('/').pop();
  if (name === undefined) return type === 'sys.pong' ? ['deep'] : [];
  return Object.keys((document.components.schemas[name] as { properties: object }).properties);
}

/** The text of a short frame, behind its header. */
function text(frame: Buffer): string {
  return frame.subarray(frame.indexOf('{')).toString();
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
