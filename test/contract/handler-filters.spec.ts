import { Catch, Module, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import {
  AboveGateway,
  asked,
  BelowGateway,
  filteredGateway,
  FILTERS,
  PlainGateway,
} from '../support/filtered.gateway.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

@Catch()
class SilentFilter implements ExceptionFilter {
  catch(): void {
    asked.push('global');
  }
}

const gateways = Object.values(FILTERS).flatMap(([, filter], index) => [
  filteredGateway(`ours${index}`, filter, false),
  filteredGateway(`plain${index}`, filter, true),
]);

@Module({
  providers: [...gateways, AboveGateway, BelowGateway, PlainGateway, { provide: APP_FILTER, useClass: SilentFilter }],
})
class FilteredModule {}

describe('a failed message behind exception filters', () => {
  let server: TestServer;
  let alice: Client;
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  const lines = keepLogLines();

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    server = await startServer({ ARRIVAL_NOTICES: 'off', LOG_FORMAT: 'json' }, [FilteredModule]);
    alice = await connect(server.url);
  });
  beforeEach(() => void (asked.length = 0));
  afterAll(async () => {
    process.off('unhandledRejection', note);
    await server.stop();
  });

  /** Sends a message; returns its values, and the data of the one `sys.error` or `sys.ack` behind them. */
  const ask = async (type: string, data?: unknown): Promise<{ values: unknown[]; end: unknown }> => {
    alice.send({ type, id: 'f', data });
    const values: unknown[] = [];
    for (let answer = await alice.next(); ; answer = await alice.next()) {
      expect(answer).toMatchObject({ sender: 'server', receiver: alice.id, ref: 'f' });
      if (answer.type !== 'sys.error' && answer.type !== 'sys.ack') values.push(answer.data);
      else {
        await alice.settled();
        expect(alice.inbox).toEqual([]);
        expect(unhandled).toEqual([]);
        return { values, end: answer.data };
      }
    }
  };

  it.each(Object.keys(FILTERS).map((name, index) => [name, index] as const))(
    'is answered with one sys.error where the filter %s',
    async (name, index) => {
      const [expected] = FILTERS[name]!;
      for (const gateway of ['ours', 'plain']) {
        const atOnce = await ask(`${gateway}${index}.at-once`);
        expect(atOnce).toMatchObject({ values: [], end: expected });
        expect(await ask(`${gateway}${index}.stream`)).toMatchObject({ values: [1], end: expected });
        const { incident } = atOnce.end as { incident?: string };
        if (incident !== undefined) expect(lines.filter((line) => line.includes(incident))).toHaveLength(1);
      }
    },
  );

  it('asks the filter of the method, then of the class, on either side of the decorator, and no global one', async () => {
    const refused = { values: [], end: { code: 'refused', message: 'no' } };
    expect(await ask('above.class')).toEqual(refused);
    expect(await ask('above.method')).toEqual(refused);
    expect(await ask('below.class')).toEqual(refused);
    expect(asked).toEqual(['class', 'method', 'below']);
  });

  it('asks only filters that catch the type of the exception', async () => {
    expect((await ask('above.other', true)).end).toEqual({ code: 'refused', message: 'seen' });
    expect((await ask('above.other', false)).end).toEqual({ code: 'refused', message: 'no' });
    expect(asked).toEqual(['method for requests', 'class']);
  });

  it('keeps the code of a guard that a filter has seen', async () => {
    expect((await ask('above.guard')).end).toMatchObject({ code: 'forbidden' });
    expect(asked).toEqual(['class']);
  });

  it('is answered by an interceptor that catches, before any filter', async () => {
    expect(await ask('above.caught')).toEqual({ values: [{ caught: 'boom' }], end: { status: 'accepted' } });
    expect(await ask('above.silent')).toEqual({ values: [], end: { status: 'accepted' } });
    expect(asked).toEqual([]);
  });

  it('of a plain gateway of Nest has the errors of this protocol, and no body', async () => {
    expect((await ask('plain.ws', 'my card')).end).toEqual({ code: 'refused', message: 'no' });
    expect((await ask('plain.error', 'my card')).end).toMatchObject({ code: 'internal_error' });
    expect(await ask('plain.well')).toEqual({ values: ['well'], end: { status: 'accepted' } });
    expect(alice.frames.join('\n')).not.toMatch(/my card|secret/);
  });
});
