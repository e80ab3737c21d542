import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import type { Resumption } from '../support/resumable-line.js';
import { cutAndAwait, LANES, QUIET, refusalOf, sendTo } from '../support/resume.js';
import { startServer, type TestServer } from '../support/server.js';

/** Texts of messages that a server must repeat unchanged. */
const DATA = [
  '{"b":1.0,"2":[1e3,12345678901234567890]}',
  '"ü漢💩\\u0041"',
  'null',
  '[ 1 , 2 ]',
  `"${'x'.repeat(9000)}"`,
];

describe.each(LANES)('a return (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let bob: Client;
  let ann: ResumableClient;
  afterEach(() => server.stop());

  async function start(): Promise<void> {
    server = await startServer({ ...QUIET, FAST_LANE });
    bob = await server.connect();
    ann = await ResumableClient.open(server, { reports: 'on request' });
  }

  /** Sends numbered messages of all forms from the other client, and waits until all have been answered. */
  async function sendToAnn(from: number, to: number): Promise<void> {
    for (let number = from; number < to; number++)
      bob.sendText(`{"type":"n","receiver":"${ann.id}","id":"${number}","data":${DATA[number % DATA.length]}}`);
    for (let number = from; number < to; number++) await bob.answer(`${number}`);
  }

  /** Waits until the client has received so many frames. */
  async function untilReceived(count: number): Promise<void> {
    await expect.poll(() => ann.frames.length, { interval: 5 }).toBe(count);
  }
  const ids = (frames: readonly string[]): number[] =>
    frames.map((text) => Number((JSON.parse(text) as { id?: string }).id));
  const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

  it.each(['subprotocol', 'header'] as const)('by the %s has the same id, the counts and a new token', async (by) => {
    await start();
    const { id, token, welcome } = ann;
    await ann.ping();
    await cutAndAwait(ann, bob);
    const { data, ...envelope } = await ann.resume({ by });
    expect(envelope).toEqual({ type: 'sys.welcome', sender: 'server', receiver: id });
    const { resume, resumed, received, awayMs, ...others } = data as Resumption;
    expect([resumed, received]).toEqual([true, 1]);
    expect(awayMs).toBeGreaterThanOrEqual(0);
    expect(resume).toEqual({ token: ann.token, windowMs: 60_000, bytes: 262_144 });
    expect(ann.token).not.toBe(token);
    const { resume: _, ...first } = welcome.data as Resumption;
    expect(others).toEqual(first);
    await ann.ping();
    expect(await sendTo(ann, bob.id)).toEqual({ status: 'routed' });
    expect(await bob.next('m')).toMatchObject({ sender: id });
  });

  it('repeats what was not seen, byte for byte and in order, and goes on', async () => {
    await start();
    await sendToAnn(0, 10);
    await untilReceived(10);
    const before = ann.frames.slice(4);
    await cutAndAwait(ann, bob);
    await sendToAnn(10, 20);
    await ann.resume({ frames: 4 });
    await sendToAnn(20, 25);
    await untilReceived(10 + 6 + 10 + 5);
    const after = ann.frames.slice(10);
    expect(after.slice(0, 6)).toEqual(before);
    expect(ids(after)).toEqual(numbers(4, 25));
    for (const text of after) expect(text).toContain(`"data":${DATA[Number(ids([text])[0]) % DATA.length]}`);
    await ann.ping();
    expect(ann.frames).toHaveLength(32);
  });

  it('repeats nothing that was received, and nothing where nothing was sent', async () => {
    await start();
    await sendToAnn(0, 5);
    await untilReceived(5);
    for (let count = 0; count < 3; count++) {
      ann.cut();
      await ann.resume();
    }
    await ann.ping();
    expect(ann.frames).toHaveLength(6);
  });

  it('repeats from the frame that the client names, also after sys.seen and several returns', async () => {
    await start();
    await sendToAnn(0, 30);
    await untilReceived(30);
    ann.line.report(10);
    await ann.ping();
    ann.cut();
    await ann.resume({ frames: 20 });
    await untilReceived(31 + 11);
    expect(ids(ann.frames.slice(31, -1))).toEqual(numbers(20, 30));
    ann.cut();
    await ann.resume({ frames: 25 });
    await untilReceived(42 + 6);
    expect(ids(ann.frames.slice(42, -1))).toEqual(numbers(25, 30));
  });

  it('sends again what the server has not received, so that nothing is lost, doubled or reordered', async () => {
    await start();
    const count = 60;
    for (let data = 0; data < count; data++) {
      ann.send({ type: 'n', receiver: bob.id, id: `${data}`, data });
      if (data % 10 === 5) ann.cut(data % 20 === 5 ? 'reset' : 'end');
      if (data % 10 === 8) await ann.resume();
    }
    const answers = [];
    for (let data = 0; data < count; data++) answers.push((await ann.answer(`${data}`)).data as unknown);
    expect(answers).toEqual(Array.from({ length: count }, () => ({ status: 'routed' })));
    await ann.ping();
    await bob.settled();
    expect(bob.inbox.map(({ data }) => data as unknown)).toEqual(numbers(0, count));
    expect(ann.inbox).toEqual([]);
  });

  it('brings each ack once, also where its connection was cut', async () => {
    await start();
    ann.send({ type: 'n', receiver: bob.id, id: 'first' });
    await bob.next('n');
    ann.cut();
    await ann.resume();
    expect((await ann.answer('first')).data).toEqual({ status: 'routed' });
    ann.cut();
    await ann.resume();
    await ann.ping();
    expect(ann.inbox).toEqual([]);
  });

  it('with the old token is possible again until the first frame on the new connection', async () => {
    await start();
    const { id, token: old } = ann;
    await sendToAnn(0, 3);
    await untilReceived(3);
    for (let count = 0; count < 3; count++) {
      ann.cut();
      const { receiver, data } = await ann.resume({ token: old });
      expect([receiver, (data as Resumption).resumed]).toEqual([id, true]);
    }
    await ann.ping();
    expect(await refusalOf(server, old)).toBe('unknown');
    await ann.ping();
    expect(ann.connection.isOver).toBe(false);
    ann.cut();
    expect((await ann.resume()).receiver).toBe(id);
  });

  it('is possible while the connection before is open, which is closed with 4001', async () => {
    await start();
    const { id, connection } = ann;
    ann.send({ type: 'n', receiver: bob.id, data: 1 });
    await ann.resume();
    expect(ann.id).toBe(id);
    expect(await connection.closed).toEqual({ code: 4001, reason: 'replaced' });
    ann.send({ type: 'n', receiver: bob.id, data: 2 });
    for (const data of [1, 2]) expect(await bob.next('n')).toMatchObject({ sender: id, data });
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('takes up the frames of a client that went silent', async () => {
    await start();
    ann.cut('silence');
    await sendToAnn(0, 10);
    await ann.resume();
    await untilReceived(10);
    expect(ids(ann.frames)).toEqual(numbers(0, 10));
  });

  it('repeats as many bytes as are kept, before anything new', async () => {
    await start();
    const fill = 'f'.repeat(10_000);
    ann = await ResumableClient.open(server); // reports as due, because more is sent than a server keeps
    await cutAndAwait(ann, bob);
    for (let id = 0; id < 25; id++) expect(await sendTo(bob, ann.id, fill, `${id}`)).toEqual({ status: 'held' });
    await ann.resume(); // the frames follow the welcome in pieces
    for (let id = 25; id < 30; id++) bob.send({ type: 'm', receiver: ann.id, id: `${id}`, data: fill });
    for (let id = 25; id < 30; id++) expect((await bob.answer(`${id}`)).type).toBe('sys.ack');
    await untilReceived(30);
    expect(ids(ann.frames)).toEqual(numbers(0, 30));
  });
});
