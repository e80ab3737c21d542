import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { PollGateway } from './poll.gateway.js';

@Module({ providers: [PollGateway] })
class PollModule {}

describe('the poll', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [PollModule]);
  });
  afterEach(() => app.stop());

  it('counts one vote of each session, and ends when its owner closes it', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    ann.send({ type: 'poll.open', data: { question: 'Tea?', answers: ['yes', 'no'] } });
    expect((await bob.next('poll.opened')).data).toEqual({ poll: ann.id, question: 'Tea?', answers: ['yes', 'no'] });
    ann.send({ type: 'poll.open', id: 'o', data: { question: 'Coffee?', answers: ['yes', 'no'] } });
    expect((await ann.answer('o')).data.code).toBe('refused');
    bob.send({ type: 'poll.vote', id: '1', data: { poll: ann.id, answer: 1 } });
    expect((await bob.answer('1')).data).toEqual({ votes: [0, 1] });
    bob.send({ type: 'poll.vote', id: '2', data: { poll: ann.id, answer: 1 } });
    expect((await bob.next('sys.error')).data.code).toBe('already_voted');
    ann.send({ type: 'poll.vote', id: '3', data: { poll: ann.id, answer: 2 } });
    expect((await ann.answer('3')).data.code).toBe('refused');
    ann.send({ type: 'poll.close' });
    expect((await bob.next('poll.closed')).data).toEqual({ poll: ann.id, votes: [0, 1] });
  });

  it('ends when its owner leaves, and takes no vote then', async () => {
    const [ann, bob] = [await app.connect(), await app.connect()];
    ann.send({ type: 'poll.open', data: { question: 'Tea?', answers: ['yes', 'no'] } });
    await bob.next('poll.opened');
    ann.terminate();
    expect((await bob.next('poll.closed')).data).toEqual({ poll: ann.id, votes: [0, 0] });
    bob.send({ type: 'poll.vote', id: '1', data: { poll: ann.id, answer: 1 } });
    expect((await bob.answer('1')).data.code).toBe('refused');
  });
});
