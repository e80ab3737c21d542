import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp, startApp } from '../../src/index.js';
import { connect, type Client } from '../support/client.js';
import { GatesGateway, ExclaimInterceptor } from '../support/gates.gateway.js';
import { keepLogLines } from '../support/log-lines.js';
import { closeFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { LIMITS_OFF, startServer, type TestServer } from '../support/server.js';

@Module({ providers: [GatesGateway] })
class GatesModule {}

const TIMEOUT_MS = 150;

describe('handled messages of one session', () => {
  let server: TestServer;
  let gates: GatesGateway;
  let alice: Client;
  let bob: Client;
  keepLogLines();

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ ARRIVAL_NOTICES: 'off', DRAIN_TIMEOUT_MS: '500', ...variables }, [GatesModule]);
    gates = server.app.get(GatesGateway, { strict: false });
    alice = await connect(server.url);
    bob = await connect(server.url);
  };
  beforeEach(() => start());
  afterEach(() => server.stop());

  const call = (type: string, name: string, client = alice): void => client.send({ type, id: name, data: name });

  it.each(['gate', 'gate.intercepted'])('run one at a time, in order, and are answered in order (%s)', async (type) => {
    for (const name of ['1', '2', '3']) call(type, name);
    await alice.settled();
    for (const name of ['1', '2', '3']) {
      await gates.until('started', name);
      await alice.settled();
      expect(gates.started.at(-1)).toBe(name);
      gates.open(name);
      expect(await alice.next(type)).toMatchObject({ ref: name });
      expect(await alice.next('sys.ack')).toMatchObject({ ref: name });
    }
    expect(gates.started).toEqual(['1', '2', '3']);
  });

  it('run one at a time where the application has replaced the global Promise', async () => {
    const native = globalThis.Promise;
    try {
      globalThis.Promise = class Replaced<T> extends native<T> {};
      for (const name of ['1', '2']) call('gate', name);
      for (const name of ['1', '2']) {
        await gates.until('started', name);
        gates.open(name);
        expect(await alice.next('gate')).toMatchObject({ ref: name });
        expect(await alice.next('sys.ack')).toMatchObject({ ref: name });
      }
    } finally {
      globalThis.Promise = native;
    }
  });

  it('run one at a time, within the time limit, behind global interceptors that messages inherit', async () => {
    await server.stop();
    const app = await createApp({
      variables: { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', ...LIMITS_OFF, HANDLER_TIMEOUT_MS: '1000' },
      handlers: [GatesModule],
      inheritAppConfig: true,
    });
    app.useGlobalInterceptors(new ExclaimInterceptor());
    const port = await startApp(app);
    server = { ...server, stop: () => app.close() };
    gates = app.get(GatesGateway, { strict: false });
    alice = await connect(`ws://127.0.0.1:${port}/wss`);
    call('gate', '1');
    call('gate', '2');
    await gates.until('started', '1');
    await alice.settled();
    expect(gates.started).toEqual(['1']);
    gates.open('1');
    expect(await alice.next('gate')).toMatchObject({ ref: '1', data: '1!' });
    expect(await alice.next('sys.ack')).toMatchObject({ ref: '1' });
    await gates.until('started', '2');
    expect(await alice.next('sys.error')).toMatchObject({ ref: '2', data: { code: 'internal_error' } });
  });

  it('of different types wait for each other, and a failure frees the queue', async () => {
    call('gate.fail', 'bad');
    call('gate', 'good');
    await gates.until('started', 'bad');
    await alice.settled();
    expect(gates.started).toEqual(['bad']);
    gates.open('bad');
    expect(await alice.next()).toMatchObject({ type: 'sys.error', ref: 'bad', data: { code: 'internal_error' } });
    await gates.until('started', 'good');
    gates.open('good');
    expect(await alice.next('sys.ack')).toMatchObject({ ref: 'good' });
  });

  it('do not wait for messages of another session', async () => {
    call('gate', 'a');
    await gates.until('started', 'a');
    call('gate', 'b', bob);
    await gates.until('started', 'b');
    gates.open('b');
    expect(await bob.next('sys.ack')).toMatchObject({ ref: 'b' });
  });

  it('never delay routed messages, which keep their order', async () => {
    for (let index = 0; index < 20; index++) {
      alice.send({ type: 'n', receiver: bob.id, data: index });
      call('gate', `g${index}`);
    }
    await alice.settled();
    await bob.settled();
    expect(bob.inbox.map(({ data }) => data as number)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(gates.finished).toEqual([]);
  });

  it('wait up to 64; the next is rate_limited and has no effect', async () => {
    for (let index = 0; index < 67; index++) call('gate', `c${index}`);
    for (const ref of ['c65', 'c66']) {
      const fault = await alice.next();
      expect(fault).toMatchObject({ type: 'sys.error', ref, data: { code: 'rate_limited' } });
      expect((fault.data as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    }
    for (let index = 0; index < 65; index++) {
      await gates.until('started', `c${index}`);
      gates.open(`c${index}`);
      expect(await alice.next('sys.ack')).toMatchObject({ ref: `c${index}` });
    }
    call('gate', 'again');
    await gates.until('started', 'again');
    expect(gates.started).not.toContain('c65');
    expect(gates.started).toHaveLength(66);
  });

  it.each(['gate', 'gate.intercepted'])(
    'that take longer than HANDLER_TIMEOUT_MS are answered internal_error (%s)',
    async (type) => {
      await server.stop();
      await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
      const startMs = performance.now();
      call(type, 'slow');
      call('gate', 'next');
      const error = await alice.next();
      expect(performance.now() - startMs).toBeGreaterThan(TIMEOUT_MS - 5);
      expect(error).toMatchObject({ type: 'sys.error', ref: 'slow', data: { code: 'internal_error' } });
      expect((error.data as { incident: string }).incident).toMatch(/./);
      await gates.until('started', 'next');
      gates.open('next');
      gates.open('slow');
      expect(await alice.next()).toMatchObject({ type: 'gate', ref: 'next' });
      expect(await alice.next()).toMatchObject({ type: 'sys.ack', ref: 'next' });
      await gates.until('finished', 'slow');
      await alice.settled();
      expect(alice.inbox).toEqual([]);
    },
  );

  it('free the queue once they return an observable', async () => {
    call('stream', 's');
    call('gate', 'g');
    await gates.until('started', 'g');
    const stream = gates.streams.get('s')!;
    stream.next('one');
    expect(await alice.next()).toMatchObject({ type: 'stream', ref: 's' });
    gates.open('g');
    expect(await alice.next()).toMatchObject({ type: 'gate', ref: 'g' });
    expect(await alice.next()).toMatchObject({ type: 'sys.ack', ref: 'g' });
    stream.next('two');
    stream.complete();
    expect(await alice.next()).toMatchObject({ type: 'stream', ref: 's' });
    expect(await alice.next()).toMatchObject({ type: 'sys.ack', ref: 's' });
  });

  it('free the queue behind an interceptor at the first value, and lose none', async () => {
    call('stream.intercepted', 's');
    call('gate', 'g');
    await gates.until('started', 's');
    const stream = gates.streams.get('s')!;
    for (const value of ['one', 'two', 'three']) stream.next(value);
    await gates.until('started', 'g');
    stream.next('four');
    stream.complete();
    const values: unknown[] = [];
    for (let answer = await alice.next(); answer.type !== 'sys.ack'; answer = await alice.next())
      values.push(answer.data);
    expect(values).toEqual(['one!', 'two!', 'three!', 'four!']);
    gates.open('g');
    expect(await alice.next('sys.ack')).toMatchObject({ ref: 'g' });
  });

  it('are dropped when the session ends, and nothing is sent in its name', async () => {
    const raw = await RawClient.open(server.port);
    const ask = (type: string, name: string) => envelopeFrame({ type, id: name, data: name });
    raw.write(ask('stream', 's'), ask('gate.send', 'running'), ask('gate.send', 'waiting'), ask('gate', 'last'));
    await gates.until('started', 'running');
    raw.write(closeFrame(1000));
    expect(await alice.next('sys.departed')).toMatchObject({ sender: raw.id, data: { code: 1000 } });
    // The client answers nothing, so its connection outlives its session.
    gates.streams.get('s')!.next('late');
    gates.open('running');
    await gates.until('finished', 'running');
    await raw.gone;
    await gates.until('stopped', 's');
    await alice.settled();
    expect(alice.inbox).toEqual([]);
    expect(gates.started).toEqual(['s', 'running']);
    expect(raw.frames.filter(({ opcode }) => opcode === 1)).toEqual([]);
  });

  it('are dropped when the connection is cut', async () => {
    call('gate.send', 'running');
    call('gate.send', 'waiting');
    await gates.until('started', 'running');
    alice.terminate();
    expect(await bob.next('sys.departed')).toMatchObject({ sender: alice.id, data: { code: 1006 } });
    gates.open('running');
    await gates.until('finished', 'running');
    await bob.settled();
    expect(bob.inbox).toEqual([]);
    expect(gates.started).toEqual(['running']);
  });

  it('may send in the name of their session', async () => {
    call('gate.send', 'hello');
    await gates.until('started', 'hello');
    gates.open('hello');
    expect(await bob.next()).toEqual({ type: 'sent', sender: alice.id, receiver: '*', data: 'hello' });
    expect(await alice.next()).toEqual({
      type: 'sent',
      sender: 'server',
      receiver: alice.id,
      ref: 'hello',
      data: 'hello',
    });
  });
});
