import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Switchboard } from '../../src/index.js';
import { startTestServer, type TestServer } from '../../src/testing/start.js';

const SHORT_MS = 50;

describe('a test client', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ imports: [], settings: { arrivalNotices: false, noticeScope: 'none' } });
  });
  afterAll(() => server.stop());

  it('takes messages of a type, and keeps the others in the inbox', async () => {
    const ann = await server.connect();
    for (const type of ['a', 'b', 'c']) ann.send({ type, receiver: ann.id, data: type });
    expect((await ann.next('b')).data).toBe('b');
    expect((await ann.next()).type).toBe('a');
    await ann.settled();
    expect(ann.inbox.map(({ type }) => type)).toEqual(['c']);
  });

  it('takes the answer to a message by its id', async () => {
    const ann = await server.connect();
    ann.send({ type: 'a', receiver: 'nobody', id: '1' });
    ann.send({ type: 'a', receiver: ann.id, id: '2' });
    expect(await ann.answer('2')).toMatchObject({ type: 'sys.ack', data: { status: 'routed' } });
    expect(await ann.answer('1')).toMatchObject({ type: 'sys.error', data: { code: 'receiver_not_found' } });
  });

  it('limits a wait, and lists the messages that arrived instead', async () => {
    const ann = await server.connect({ timeoutMs: SHORT_MS });
    ann.sendText('{');
    await expect(ann.next('chat')).rejects.toThrow(
      /^chat did not arrive within 50 ms; in the inbox instead:\n {2}\{"type":"sys.error",.*"malformed_json"/,
    );
    await expect(ann.answer('7')).rejects.toThrow('the answer to 7 did not arrive within 50 ms');
    ann.inbox.length = 0;
    await expect(ann.next()).rejects.toThrow('a message did not arrive within 50 ms; no other message is in the inbox');
    await expect(ann.untilClosed()).rejects.toThrow('the connection did not close within 50 ms');
  });

  it('names the line of the test in the error of a wait', async () => {
    const ann = await server.connect({ timeoutMs: SHORT_MS });
    const error = (await ann.next('chat').catch((reason: unknown) => reason)) as Error;
    expect(error.stack).toContain('test-client.spec.ts');
  });

  it('lists at most ten messages, each of at most 120 characters', async () => {
    const ann = await server.connect({ timeoutMs: SHORT_MS });
    for (let count = 1; count <= 12; count++) ann.send({ type: `t${count}`, receiver: ann.id, data: 'x'.repeat(999) });
    await ann.settled();
    const error = (await ann.next('chat').catch((reason: unknown) => reason)) as Error;
    const [, ...lines] = error.message.split('\n');
    expect(error.message).toContain('in the inbox instead, the last 10 of 12:');
    expect(lines).toHaveLength(10);
    expect(lines.every((line) => line.length <= 123 && line.endsWith('…'))).toBe(true);
  });

  it('ends its waits when the connection closes', async () => {
    const ann = await server.connect();
    const waits = Promise.allSettled([ann.next('chat'), ann.answer('1')]);
    expect(server.app.get(Switchboard).close(ann.id)).toBe(true);
    expect(await ann.untilClosed()).toEqual({ code: 4000, reason: 'kicked' });
    const [chat, answer] = await waits;
    expect(String(chat.status === 'rejected' && chat.reason)).toContain(
      'closed with 4000 kicked while waiting for chat',
    );
    expect(answer.status).toBe('rejected');
    await expect(ann.next('chat')).rejects.toThrow('the connection closed with 4000 kicked before chat arrived');
  });

  it('closes with a code and a reason, or cuts the connection', async () => {
    const [ann, bob] = [await server.connect(), await server.connect()];
    expect(await ann.close(3001, 'bye')).toEqual({ code: 3001, reason: 'bye' });
    bob.terminate();
    expect(await bob.untilClosed()).toEqual({ code: 1006, reason: '' });
  });
});
