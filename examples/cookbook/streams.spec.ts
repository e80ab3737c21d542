import { Module } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../test/support/server.js';
import { StreamsGateway } from './streams.gateway.js';

@Module({ providers: [StreamsGateway] })
class StreamsModule {}

describe('a stream', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [StreamsModule]);
  });
  afterEach(() => app.stop());

  it('of a clock runs until it is stopped, and one of each session runs', async () => {
    const ann = await app.connect();
    ann.send({ type: 'stream.clock', id: '1', data: { everyMs: 10 } });
    for (let tick = 0; tick < 3; tick++)
      expect(Date.parse((await ann.next('stream.clock')).data.now as string)).toBeGreaterThan(0);
    ann.send({ type: 'stream.clock', id: '2', data: { everyMs: 60_000 } });
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1' });
    ann.send({ type: 'stream.stop', id: '3' });
    expect([await ann.next('sys.ack'), await ann.next('sys.ack')].map(({ ref }) => ref)).toEqual(['2', '3']);
  });

  it('of lines ends behind the last line', async () => {
    const ann = await app.connect();
    ann.send({ type: 'stream.lines', id: 'l' });
    const lines: string[] = [];
    for (let answer = await ann.answer('l'); answer.type !== 'sys.ack'; answer = await ann.answer('l'))
      lines.push(answer.data.line as string);
    expect(`${lines.join('\n')}\n`).toBe(await readFile(new URL('streams.gateway.ts', import.meta.url), 'utf8'));
  });
});
