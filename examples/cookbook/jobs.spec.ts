import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { JobsGateway } from './jobs.gateway.js';

@Module({ providers: [JobsGateway] })
class JobsModule {}

describe('a job', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [JobsModule]);
  });
  afterEach(() => app.stop());

  it('reports its progress, then ends', async () => {
    const ann = await app.connect();
    ann.send({ type: 'job.run', id: 'r', data: { job: 'short', steps: 4 } });
    for (const percent of [25, 50, 75, 100]) expect((await ann.answer('r')).data).toEqual({ percent });
    expect((await ann.answer('r')).data).toEqual({ status: 'accepted' });
    ann.send({ type: 'job.cancel', id: 'c', data: { job: 'short' } });
    expect((await ann.answer('c')).data.code).toBe('not_found');
  });

  it('is limited to five at a time for each session', async () => {
    const ann = await app.connect();
    for (let job = 1; job <= 5; job++) ann.send({ type: 'job.run', data: { job: String(job), steps: 10_000 } });
    ann.send({ type: 'job.run', id: '6', data: { job: '6', steps: 1 } });
    expect((await ann.answer('6')).data.code).toBe('refused');
    ann.send({ type: 'job.cancel', id: 'c', data: { job: '1' } });
    expect((await ann.answer('c')).type).toBe('sys.ack');
  });

  it('ends when its session cancels it', async () => {
    const [ann, eve] = [await app.connect(), await app.connect()];
    ann.send({ type: 'job.run', id: 'r', data: { job: 'long', steps: 10_000 } });
    await ann.next('job.run');
    ann.send({ type: 'job.run', id: 'again', data: { job: 'long', steps: 1 } });
    expect((await ann.answer('again')).data.code).toBe('conflict');
    eve.send({ type: 'job.cancel', id: 'c', data: { job: 'long' } });
    expect((await eve.answer('c')).data.code).toBe('not_found');
    ann.send({ type: 'job.cancel', id: 'c', data: { job: 'long' } });
    expect((await ann.answer('c')).type).toBe('sys.ack');
    expect((await ann.next('sys.error')).data.code).toBe('cancelled');
  });
});
