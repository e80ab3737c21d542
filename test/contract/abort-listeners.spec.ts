import { Injectable, Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Abort, MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { answersTo, expectNothingUncaught, leaveDuring } from '../support/handled-calls.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 100;

function fail(): never {
  throw new Error('a broken listener');
}

/** Ways to listen for the abort, each with a listener that fails. */
const LISTENING: Readonly<Record<string, (signal: AbortSignal) => void>> = {
  'a function': (signal) => signal.addEventListener('abort', fail),
  'an async function': (signal) => signal.addEventListener('abort', async () => fail()),
  'an object': (signal) => signal.addEventListener('abort', { handleEvent: fail }),
  'an async method': (signal) => signal.addEventListener('abort', { handleEvent: async () => fail() }),
  'a listener that listens once': (signal) => signal.addEventListener('abort', fail, { once: true }),
  onabort: (signal) => (signal.onabort = fail),
  'an async onabort': (signal) => (signal.onabort = async () => fail()),
};

/** Emits `started` when a handler has begun, and what its listeners do. */
@Injectable()
class Events extends EventEmitter {}

@MessagingGateway()
class ListenersGateway {
  constructor(private readonly events: Events) {}

  @SubscribeMessage('l.fails')
  async fails(@MessageBody() way: string, @Abort() signal: AbortSignal): Promise<void> {
    LISTENING[way]!(signal);
    this.events.emit('started');
    await once(signal, 'abort');
  }

  @SubscribeMessage('l.rejects-with-reason')
  async rejectsWithReason(@Abort() signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', async () => signal.throwIfAborted());
    this.events.emit('started');
    await delay(1_000_000, undefined, { signal });
  }

  @SubscribeMessage('l.well')
  async well(@Abort() signal: AbortSignal): Promise<void> {
    const note = (name: string) => () => this.events.emit('listener', name);
    const [removed, twice, replaced, object] = [note('removed'), note('twice'), note('replaced'), new Listener(note)];
    signal.addEventListener('abort', removed);
    signal.removeEventListener('abort', removed);
    signal.addEventListener('abort', twice);
    signal.addEventListener('abort', twice);
    signal.addEventListener('abort', object);
    signal.onabort = replaced;
    signal.onabort = note('onabort');
    this.events.emit('started');
    await delay(1_000_000, undefined, { signal });
  }
}

class Listener {
  constructor(private readonly note: (name: string) => () => void) {}

  handleEvent({ type, target }: Event): void {
    this.note(`${type} ${target instanceof AbortSignal && target.aborted}`)();
  }
}

@Module({ providers: [ListenersGateway, Events] })
class ListenersModule {}

describe('a listener of the signal of a handler', () => {
  let server: TestServer;
  let events: Events;
  let alice: Client;
  const lines = keepLogLines();
  expectNothingUncaught();

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ LOG_FORMAT: 'json', ...variables }, [ListenersModule]);
    events = server.app.get(Events, { strict: false });
    alice = await server.connect();
  };
  afterEach(() => server.stop());

  const expectOneIncident = (): void => {
    const logged = lines.filter((line) => line.includes('a broken listener'));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/"incident":"\w+","session":"[^"]+","type":"l\.fails"/);
  };

  it.each(Object.keys(LISTENING))('is logged with an incident where it fails at the time-out: %s', async (way) => {
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    expect(await answersTo(alice, 'l.fails', way)).toMatchObject([{ code: 'internal_error' }]);
    expectOneIncident();
  });

  it.each(Object.keys(LISTENING))('is logged with an incident where it fails at the departure: %s', async (way) => {
    await start();
    await leaveDuring(server, alice, once(events, 'started'), { type: 'l.fails', data: way });
    expectOneIncident();
  });

  it('is not logged where it rejects with the reason of the abort', async () => {
    await start();
    await leaveDuring(server, alice, once(events, 'started'), { type: 'l.rejects-with-reason' });
    expect(lines.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  it('is called as the platform calls it: once, with the event, and not after its removal', async () => {
    await start();
    const called: unknown[] = [];
    events.on('listener', (name) => called.push(name));
    await leaveDuring(server, alice, once(events, 'started'), { type: 'l.well' });
    expect(called).toEqual(['twice', 'abort true', 'onabort']);
  });
});
