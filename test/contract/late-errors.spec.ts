import { Catch, Injectable, Module, NotFoundException, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { SubscribeMessage, WsException } from '@nestjs/websockets';
import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { answersTo, leaveDuring } from '../support/handled-calls.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 100;

@Catch()
class TextFilter implements ExceptionFilter {
  catch(): string {
    return 'not now';
  }
}

/** Emits `started` when a handler has begun; a test emits `fail`. */
@Injectable()
class Events extends EventEmitter {}

@MessagingGateway()
class LateGateway {
  constructor(private readonly events: Events) {}

  @SubscribeMessage('l.refuses')
  refuses(): Promise<never> {
    return this.#failLater(new WsException({ code: 'sold_out', message: 'none left' }));
  }

  @SubscribeMessage('l.not-found')
  notFound(): Promise<never> {
    return this.#failLater(new NotFoundException('no such row'));
  }

  @UseFilters(TextFilter)
  @SubscribeMessage('l.filtered')
  filtered(): Promise<never> {
    return this.#failLater(new Error('a mistake'));
  }

  @UseFilters(TextFilter)
  @SubscribeMessage('l.filtered-refusal')
  filteredRefusal(): Promise<never> {
    return this.#failLater(new WsException('none left'));
  }

  async #failLater(error: Error): Promise<never> {
    this.events.emit('started');
    await once(this.events, 'fail');
    throw error;
  }
}

@Module({ providers: [LateGateway, Events] })
class LateModule {}

const ERRORS = [
  ['l.refuses', 'none left', { level: 'info', code: 'sold_out' }],
  ['l.not-found', 'no such row', { level: 'info', code: 'not_found' }],
  ['l.filtered', 'a mistake', { level: 'error' }],
  ['l.filtered-refusal', 'not now', { level: 'info', code: 'refused' }],
] as const;

describe('an error that no client gets any more', () => {
  let server: TestServer;
  let events: Events;
  let alice: Client;
  const lines = keepLogLines();

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ LOG_FORMAT: 'json', LOG_LEVEL: 'info', ...variables }, [LateModule]);
    events = server.app.get(Events, { strict: false });
    alice = await server.connect();
  };
  afterEach(() => server.stop());

  const expectOneLine = (type: string, text: string, fields: object): void => {
    // Without the lines of the answer that the client got.
    const logged = lines.filter(
      (line) => line.includes(`"type":"${type}"`) && !/HANDLER_TIMEOUT_MS|"code":"internal_error"/.test(line),
    );
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(text);
    expect(JSON.parse(logged[0]!)).toMatchObject({ ...fields, incident: expect.stringMatching(/^\w+$/) as string });
  };

  it.each(ERRORS)('is logged once with an incident after the time-out: %s', async (type, text, fields) => {
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    expect(await answersTo(alice, type)).toMatchObject([{ code: 'internal_error' }]);
    events.emit('fail');
    await alice.settled();
    expectOneLine(type, text, fields);
  });

  it.each(ERRORS)('is logged once with an incident after the departure: %s', async (type, text, fields) => {
    await start();
    const bob = await leaveDuring(server, alice, once(events, 'started'), { type });
    events.emit('fail');
    await bob.settled();
    expectOneLine(type, text, fields);
  });
});
