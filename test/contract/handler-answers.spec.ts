import { Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswersGateway, SecondGateway } from '../support/answers.gateway.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

@Module({ providers: [AnswersGateway, SecondGateway] })
class AnswersModule {}

describe.each(['on', 'off'])('handlers (FAST_LANE=%s)', (lane) => {
  let server: TestServer;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    const variables = { FAST_LANE: lane, ARRIVAL_NOTICES: 'off' };
    server = await startServer(variables, [AnswersModule]);
    alice = await connect(server.url);
    bob = await connect(server.url);
    await Promise.all([alice.next('hook'), bob.next('hook')]);
  });
  afterAll(() => server.stop());

  keepLogLines();

  let requests = 0;
  /** Sends a message to a handler and returns all answers, up to the ack or the error. */
  const ask = async (type: string, data?: unknown, others: object = {}) => {
    const id = `q${requests++}`;
    alice.send({ type, id, data, ...others });
    const answers = [await alice.next()];
    while (answers.at(-1)!.type !== 'sys.ack' && answers.at(-1)!.type !== 'sys.error') answers.push(await alice.next());
    await alice.settled();
    expect(alice.inbox).toEqual([]);
    for (const { sender, receiver, ref } of answers)
      expect({ sender, receiver, ref }).toEqual({ sender: 'server', receiver: alice.id, ref: id });
    return answers.map((answer) =>
      answer.type === 'sys.error' ? answer.data : [answer.type, answer.data],
    ) as unknown[];
  };
  const accepted = ['sys.ack', { status: 'accepted' }];

  it.each([
    ['an object', { a: [1, 'ä', null] }],
    ['a string', 'text'],
    ['an empty string', ''],
    ['zero', 0],
    ['false', false],
    ['a list', [1, 2]],
    ['an object that only resembles a WsResponse', { event: 'x' }],
  ])('answer with a returned value under the same type: %s', async (_, value) => {
    expect(await ask('a.raw', value)).toEqual([['a.raw', value], accepted]);
    expect(await ask('a.promise', value)).toEqual([['a.promise', value], accepted]);
  });

  it('answer only with the ack if nothing is returned', async () => {
    expect(await ask('a.nothing')).toEqual([accepted]);
    expect(await ask('a.raw')).toEqual([accepted]);
    expect(await ask('a.raw', null)).toEqual([accepted]);
    expect(await ask('a.empty')).toEqual([accepted]);
  });

  it('answer with a WsResponse under its event', async () => {
    expect(await ask('a.response', { event: 'other.type', data: { x: 1 } })).toEqual([
      ['other.type', { x: 1 }],
      accepted,
    ]);
    expect(await ask('a.raw', { event: 'other', data: null })).toEqual([['other', null], accepted]);
    expect(await ask('a.observable', [{ event: 'e1', data: 1 }, 2, { event: 'e2', data: 3 }])).toEqual([
      ['e1', 1],
      ['a.observable', 2],
      ['e2', 3],
      accepted,
    ]);
  });

  it.each(['sys.ack', 'sys.welcome', 'with space', '', 'x'.repeat(65)])(
    'may not answer under "%s": internal_error',
    async (event) => {
      expect(await ask('a.response', { event, data: 1 })).toMatchObject([{ code: 'internal_error' }]);
    },
  );

  it('answer with each value of an observable in turn', async () => {
    const values = Array.from({ length: 100 }, (_, index) => ({ index }));
    expect(await ask('a.observable', values)).toEqual([...values.map((value) => ['a.observable', value]), accepted]);
  });

  it('answer without a ref and without an ack if there was no id', async () => {
    alice.send({ type: 'a.value', data: 1 });
    expect(await alice.next()).toEqual({ type: 'a.value', sender: 'server', receiver: alice.id, data: { got: 1 } });
    alice.send({ type: 'a.nothing' });
    alice.send({ type: 'a.guarded' });
    const error = await alice.next();
    expect(error).toMatchObject({ type: 'sys.error', data: { code: 'forbidden' } });
    expect(error).not.toHaveProperty('ref');
    await alice.settled();
    expect(alice.inbox).toEqual([]);
  });

  it('get a message that has a receiver, and the receiver does not', async () => {
    expect(await ask('a.value', 1, { receiver: bob.id })).toEqual([['a.value', { got: 1 }], accepted]);
    expect(await ask('a.value', 2, { receiver: '*' })).toEqual([['a.value', { got: 2 }], accepted]);
    expect(await ask('a.value', 3, { receiver: 'nobody' })).toEqual([['a.value', { got: 3 }], accepted]);
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('are reached by a type written with escapes, and get no forged sender', async () => {
    alice.sendText(`{"sender":"${bob.id}","\\u0074ype":"a\\u002ewho-am-i","id":"spelt"}`);
    expect(await alice.next()).toMatchObject({ type: 'a.who-am-i', ref: 'spelt', data: { id: alice.id, same: true } });
    expect(await alice.next('sys.ack')).toMatchObject({ ref: 'spelt' });
  });

  it('of several classes share the connection', async () => {
    expect(await ask('b.value')).toEqual([['b.value', 'from the second'], accepted]);
    expect(await ask('a.value', 1)).toEqual([['a.value', { got: 1 }], accepted]);
  });

  it('have their hooks called after the welcome, and once after the end of the session', async () => {
    const carol = await connect(server.url);
    expect(await carol.next()).toMatchObject({ type: 'hook', receiver: carol.id });
    carol.terminate();
    await alice.next('sys.departed');
    await alice.settled();
    const { departures } = server.app.get(SecondGateway, { strict: false });
    expect(departures.filter(({ id }) => id === carol.id)).toEqual([{ id: carol.id, ended: true }]);
  });

  it('cannot claim a type of the server', async () => {
    expect(await ask('sys.mine')).toMatchObject([{ code: 'reserved_type' }]);
  });

  it('run inside their interceptors', async () => {
    expect(await ask('a.intercepted', 7)).toEqual([
      ['a.intercepted', { pattern: 'a.intercepted', value: 7 }],
      accepted,
    ]);
  });

  it('get an instance of their DTO', async () => {
    expect(await ask('a.dto', { name: 'x', place: { row: 1 } })).toEqual([
      ['a.dto', { class: 'SeatDto', place: 'PlaceDto' }],
      accepted,
    ]);
  });

  it.each([
    ['no body', undefined, 'name'],
    ['null', null, 'name'],
    ['a string', 'x', ''],
    ['a list', [{ name: 'x', place: { row: 1 } }], ''],
    ['a wrong field', { name: 5, place: { row: 1 } }, 'name'],
    ['a long field', { name: 'x'.repeat(11), place: { row: 1 } }, 'name'],
    ['a wrong field inside', { name: 'x', place: { row: 'first' } }, 'place.row'],
    ['an unknown field', { name: 'x', place: { row: 1 }, extra: 1 }, 'extra'],
    ['a constructor', { name: 'x', place: { row: 1 }, constructor: null }, 'data.constructor should not exist'],
    ['a method', { name: 'x', place: { row: 1 }, hasOwnProperty: 1 }, 'data.hasOwnProperty should not exist'],
    ['a method inside', { name: 'x', place: { row: 1, toString: 1 } }, 'data.place.toString should not exist'],
    ['a prototype', JSON.parse('{"name":"x","place":{"row":1},"__proto__":{}}') as unknown, 'data.__proto__ should'],
  ])('refuse by their DTO %s: invalid_message that names the field', async (_, body, field) => {
    const [fault, ...others] = (await ask('a.dto', body)) as { code: string; message: string }[];
    expect(others).toEqual([]);
    expect(fault).toEqual({ code: 'invalid_message', message: expect.stringContaining(field) as string });
  });

  it('refuse by Nest pipes: invalid_message', async () => {
    expect(await ask('a.pipe', { number: '12' })).toEqual([['a.pipe', 12], accepted]);
    expect(await ask('a.pipe', { number: 'x' })).toMatchObject([{ code: 'invalid_message' }]);
  });
});
