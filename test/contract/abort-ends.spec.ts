import { Injectable, Module, UseGuards, UseInterceptors } from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fromEvent, mergeMap, NEVER, takeUntil, throwError, timer, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { Abort, MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { answersTo, leaveDuring } from '../support/handled-calls.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 300;
const MOST_OF_TIMEOUT_MS = 0.7 * TIMEOUT_MS;

class PassInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

class SlowGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await delay(MOST_OF_TIMEOUT_MS);
    return true;
  }
}

/** Emits `started` when a handler has begun. */
@Injectable()
class Events extends EventEmitter {}

@UseInterceptors(PassInterceptor)
@MessagingGateway()
class AbortedGateway {
  constructor(private readonly events: Events) {}

  @SubscribeMessage('a.completes')
  completes(@Abort() signal: AbortSignal): Observable<unknown> {
    return NEVER.pipe(takeUntil(fromEvent(signal, 'abort')));
  }

  @SubscribeMessage('a.fails')
  fails(@Abort() signal: AbortSignal): Observable<unknown> {
    this.events.emit('started');
    const failing = fromEvent(signal, 'abort').pipe(mergeMap(() => throwError(() => signal.reason as Error)));
    return NEVER.pipe(takeUntil(failing));
  }

  @UseGuards(SlowGuard)
  @SubscribeMessage('a.slow-twice')
  slowTwice(): Observable<unknown> {
    return timer(MOST_OF_TIMEOUT_MS);
  }
}

@Module({ providers: [AbortedGateway, Events] })
class AbortedModule {}

describe('the values of a handler that end with its signal', () => {
  let server: TestServer;
  let alice: Client;
  const lines = keepLogLines();
  const incidents = (): string[] => lines.filter((line) => line.includes('"incident"'));

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ LOG_FORMAT: 'json', ...variables }, [AbortedModule]);
    alice = await server.connect();
  };
  afterEach(() => server.stop());

  it.each(['a.completes', 'a.fails'])('are answered with one sys.error at the time-out: %s', async (type) => {
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    expect(await answersTo(alice, type)).toMatchObject([{ code: 'internal_error' }]);
    expect(incidents()).toHaveLength(1);
  });

  it('are not logged where they fail because the session has left', async () => {
    await start();
    const started = once(server.app.get(Events, { strict: false }), 'started');
    await leaveDuring(server, alice, started, { type: 'a.fails' });
    expect(incidents()).toEqual([]);
  });

  it('have one time-out together with the guards in front of them', async () => {
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    expect(await answersTo(alice, 'a.slow-twice')).toMatchObject([{ code: 'internal_error' }]);
  });
});
