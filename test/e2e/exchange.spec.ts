import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

describe('two sessions', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer();
  });
  afterEach(() => server.stop());

  it('exchange messages and get the notices of each other', async () => {
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    expect((await alice.next('sys.arrived')).sender).toBe(bob.id);
    alice.send({ type: 'chat', receiver: bob.id, data: { text: 'hello' }, id: 'm1' });
    expect(await bob.next('chat')).toEqual({
      type: 'chat',
      sender: alice.id,
      receiver: bob.id,
      data: { text: 'hello' },
      id: 'm1',
    });
    expect(await alice.next('sys.ack')).toEqual({
      type: 'sys.ack',
      sender: 'server',
      receiver: alice.id,
      ref: 'm1',
      data: { status: 'routed' },
    });
    await bob.close(1000, 'bye');
    expect(await alice.next('sys.departed')).toEqual({
      type: 'sys.departed',
      sender: bob.id,
      receiver: '*',
      data: { code: 1000 },
    });
  });

  it('call handlers and get their answers', async () => {
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    alice.send({ type: 'demo.sum', id: 's', data: { numbers: [1, 2, 3] } });
    expect(await alice.next('demo.sum')).toMatchObject({ sender: 'server', ref: 's', data: { sum: 6 } });
    expect((await alice.next('sys.ack')).data).toEqual({ status: 'accepted' });
    alice.send({ type: 'demo.sum', id: 't', data: { numbers: ['x'] } });
    expect(await alice.next('sys.error')).toMatchObject({ ref: 't', data: { code: 'invalid_message' } });
    alice.send({ type: 'demo.typing', data: { to: bob.id, typing: true } });
    expect(await bob.next('demo.typing')).toMatchObject({ sender: alice.id, data: { typing: true } });
  });

  it.each(['#vip', '@ann', '*', 'nobody'])('call no handler for one session with the receiver %s', async (to) => {
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    bob.send({ type: 'sys.join', receiver: '#vip', id: 'j' });
    await bob.answer('j');
    alice.send({ type: 'demo.typing', id: 't', data: { to, typing: true } });
    expect((await alice.answer('t')).data).toMatchObject({ code: 'invalid_message' });
    await bob.settled();
    expect(bob.inbox.filter(({ type }) => type === 'demo.typing')).toEqual([]);
  });

  it.each([
    ['no data', undefined, 'data.numbers must be an array'],
    ['a number', 5, 'data must be an object'],
    ['a string', 'x', 'data must be an object'],
    ['a string instead of a list', { numbers: 'x' }, 'data.numbers must be an array'],
    ['a string in the list', { numbers: ['x'] }, 'each value in data.numbers must be a number conforming'],
    [
      'too many numbers',
      { numbers: Array<number>(101).fill(1) },
      'data.numbers must contain no more than 100 elements',
    ],
    ['numbers whose sum overflows', { numbers: [1e308, 1e308] }, 'The sum is too large for a number.'],
  ])('get the violated rule in the error: demo.sum with %s', async (_, data, text) => {
    const alice = await connect(server.url);
    alice.send({ type: 'demo.sum', id: 's', data });
    const { code, message } = (await alice.next('sys.error')).data as { code: string; message: string };
    expect(message).toContain(text);
    expect(code).toBe(text.startsWith('The') ? 'refused' : 'invalid_message');
  });
});
