import { Module, UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { finalize, NEVER, timer, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { answersTo, expectNothingUncaught } from '../support/handled-calls.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 100;

function fail(): never {
  throw new Error('a broken finalizer');
}

class PassInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

class BrokenInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(finalize(fail));
  }
}

@MessagingGateway()
class FinalizersGateway {
  @SubscribeMessage('f.plain')
  plain(): Observable<unknown> {
    return timer(1).pipe(finalize(fail));
  }

  @UseInterceptors(PassInterceptor)
  @SubscribeMessage('f.intercepted')
  intercepted(): Observable<unknown> {
    return timer(1).pipe(finalize(fail));
  }

  @UseInterceptors(BrokenInterceptor)
  @SubscribeMessage('f.interceptor')
  interceptor(): Observable<unknown> {
    return timer(1);
  }

  @UseInterceptors(PassInterceptor, BrokenInterceptor)
  @SubscribeMessage('f.inner-interceptor')
  innerInterceptor(): Observable<unknown> {
    return timer(1);
  }

  @UseInterceptors(PassInterceptor)
  @SubscribeMessage('f.endless')
  endless(): Observable<unknown> {
    return NEVER.pipe(finalize(fail));
  }

  @SubscribeMessage('f.open')
  open(): Observable<unknown> {
    return timer(0, 1_000_000).pipe(finalize(fail));
  }
}

@Module({ providers: [FinalizersGateway] })
class FinalizersModule {}

describe('a finalizer that throws', () => {
  let server: TestServer;
  let alice: Client;
  const lines = keepLogLines();
  expectNothingUncaught();

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ LOG_FORMAT: 'json', ...variables }, [FinalizersModule]);
    alice = await server.connect();
  };
  afterEach(() => server.stop());

  const expectOneIncident = (): void => {
    const logged = lines.filter((line) => line.includes('a broken finalizer'));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/"incident":"\w+","session":"[^"]+","type":"f\./);
  };

  it.each(['f.plain', 'f.intercepted', 'f.interceptor', 'f.inner-interceptor'])(
    'is logged with an incident behind the ack: %s',
    async (type) => {
      await start();
      expect(await answersTo(alice, type)).toEqual([0, { status: 'accepted' }]);
      expectOneIncident();
    },
  );

  it('is logged with an incident at the time-out', async () => {
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    expect(await answersTo(alice, 'f.endless')).toMatchObject([{ code: 'internal_error' }]);
    expectOneIncident();
  });

  it('is logged with an incident when the session leaves', async () => {
    await start();
    alice.send({ type: 'f.open' });
    await alice.next('f.open');
    const bob = await server.connect();
    alice.terminate();
    await bob.next('sys.departed');
    await bob.settled();
    expectOneIncident();
  });
});
