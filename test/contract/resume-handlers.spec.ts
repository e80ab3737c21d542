import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { GatesGateway } from '../support/gates.gateway.js';
import { ResumableClient } from '../support/resumable-client.js';
import { cutAndAwait, QUIET } from '../support/resume.js';
import { startServer, type TestServer } from '../support/server.js';

@Module({ providers: [GatesGateway] })
class GatesModule {}

const ACCEPTED = { status: 'accepted' };

describe('the handlers of a session that is away', () => {
  let server: TestServer;
  let gates: GatesGateway;
  let bob: Client;
  let ann: ResumableClient;

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ ...QUIET, NOTICE_SCOPE: 'all', ...variables }, [GatesModule]);
    gates = server.app.get(GatesGateway, { strict: false });
    bob = await server.connect();
    ann = await ResumableClient.open(server);
  };
  beforeEach(() => start());
  afterEach(() => server.stop());

  const call = (type: string, name: string): void => ann.send({ type, id: name, data: name });
  const answersTo = (ref: string): unknown[] =>
    ann.inbox.filter((each) => each.ref === ref).map(({ data }) => data as unknown);
  async function untilAnswers(count: number): Promise<void> {
    await expect.poll(() => ann.inbox.length, { interval: 5 }).toBe(count);
  }

  it('go on, and their answers arrive after the return, once and in order', async () => {
    for (const name of ['g', 'h']) call('gate', name);
    await ann.settled();
    await cutAndAwait(ann, bob);
    for (const name of ['g', 'h']) {
      await gates.until('started', name);
      gates.open(name);
      await gates.until('finished', name);
    }
    await bob.settled();
    await ann.resume();
    await untilAnswers(4);
    expect(ann.inbox.map(({ data }) => data as unknown)).toEqual(['g', ACCEPTED, 'h', ACCEPTED]);
  });

  it('wait in their queue, and begin after the return where the one before ends then', async () => {
    for (const name of ['g', 'h']) call('gate', name);
    await gates.until('started', 'g');
    await ann.settled();
    await cutAndAwait(ann, bob);
    await ann.resume();
    expect(gates.started).toEqual(['g']);
    for (const name of ['g', 'h']) {
      await gates.until('started', name);
      gates.open(name);
    }
    await untilAnswers(4);
    expect([answersTo('g'), answersTo('h')]).toEqual([
      ['g', ACCEPTED],
      ['h', ACCEPTED],
    ]);
  });

  it('go on with a stream, whose values before, in and after the absence all arrive', async () => {
    call('stream', 's');
    await gates.until('started', 's');
    const stream = gates.streams.get('s')!;
    stream.next(1);
    await ann.settled();
    await cutAndAwait(ann, bob);
    for (const value of [2, 3]) stream.next(value);
    await bob.settled();
    expect(gates.stopped).toEqual([]);
    await ann.resume();
    stream.next(4);
    stream.complete();
    await untilAnswers(5);
    expect(answersTo('s')).toEqual([1, 2, 3, 4, ACCEPTED]);
  });

  it('may fail, and the error arrives after the return', async () => {
    call('gate.fail', 'f');
    await gates.until('started', 'f');
    await cutAndAwait(ann, bob);
    gates.open('f');
    await gates.until('finished', 'f');
    await ann.resume();
    expect((await ann.answer('f')).data).toMatchObject({ code: 'internal_error' });
    await ann.settled();
    expect(ann.inbox).toEqual([]);
  });

  it('send in the name of the session', async () => {
    call('gate.send', 'g');
    await gates.until('started', 'g');
    await cutAndAwait(ann, bob);
    gates.open('g');
    expect(await bob.next('sent')).toMatchObject({ sender: ann.id, data: 'g' });
    await ann.resume();
    await untilAnswers(2);
    expect(answersTo('g')).toEqual(['g', ACCEPTED]);
  });

  it('are dropped when the session ends, and nothing is sent in its name any more', async () => {
    await server.stop();
    await start({ RESUME_WINDOW_MS: '100' });
    for (const name of ['g', 'h']) call('gate.send', name);
    call('stream', 's');
    await gates.until('started', 'g');
    await ann.settled();
    ann.cut();
    await bob.next('sys.departed');
    gates.open('g');
    await gates.until('finished', 'g');
    await bob.settled();
    expect(gates.started).toEqual(['g']);
    expect(bob.inbox).toEqual([]);
  });
});
