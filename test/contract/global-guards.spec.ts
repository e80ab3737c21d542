import {
  Injectable,
  Module,
  Scope,
  UseGuards,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type Provider,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { SubscribeMessage } from '@nestjs/websockets';
import { map, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp, MessagingGateway, startApp, StartError, type AppOptions } from '../../src/index.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { LIMITS_OFF } from '../support/server.js';

/** Refuses all messages, and knows that there is more than HTTP. */
@Injectable()
class MessageGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() === 'http';
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard extends MessageGuard {}

@Injectable()
class Shout implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<string>): Observable<string> {
    return next.handle().pipe(map((text) => `${text}!`));
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedShout extends Shout {}

@MessagingGateway()
class OpenGateway {
  @SubscribeMessage('open')
  open(): string {
    return 'open';
  }

  @UseGuards(MessageGuard)
  @SubscribeMessage('guarded')
  guarded(): string {
    return 'never';
  }
}

const GUARD: Provider = { provide: APP_GUARD, useClass: MessageGuard };
const SHOUT: Provider = { provide: APP_INTERCEPTOR, useClass: Shout };

describe('global guards and interceptors', () => {
  const lines = keepLogLines();
  let close: (() => Promise<void>) | undefined;
  afterEach(() => close?.());

  async function start(providers: readonly Provider[], options: AppOptions = {}): Promise<Client> {
    @Module({ providers: [OpenGateway, ...providers] })
    class GuardedModule {}
    const variables = { HOST: '127.0.0.1', PORT: '0', ...LIMITS_OFF };
    const app = await createApp({ variables, handlers: [GuardedModule], ...options });
    close = () => app.close();
    return connect(`ws://127.0.0.1:${await startApp(app)}/wss`);
  }

  async function answer(client: Client, type: string): Promise<unknown> {
    client.send({ type, id: type });
    const { type: answered, data } = await client.answer(type);
    return answered === 'sys.error' ? (data as { code: string }).code : data;
  }

  it.each([
    ['of the application', [GUARD, SHOUT]],
    [
      'of the application, scoped to requests,',
      [
        { provide: APP_GUARD, useClass: ScopedGuard },
        { provide: APP_INTERCEPTOR, useClass: ScopedShout },
      ],
    ],
  ])('%s do not run for messages', async (_, providers) => {
    const client = await start(providers);
    expect(await answer(client, 'open')).toBe('open');
  });

  it('bound to a handler run for its messages', async () => {
    const client = await start([]);
    expect(await answer(client, 'guarded')).toBe('forbidden');
  });

  it('run for messages with inheritAppConfig', async () => {
    expect(await answer(await start([SHOUT], { inheritAppConfig: true }), 'open')).toBe('open!');
    await close?.();
    expect(await answer(await start([GUARD], { inheritAppConfig: true }), 'open')).toBe('forbidden');
  });

  it.each([
    ['guard', { provide: APP_GUARD, useClass: ScopedGuard }, 'ScopedGuard'],
    ['interceptor', { provide: APP_INTERCEPTOR, useClass: ScopedShout }, 'ScopedShout'],
  ])('with a scope end the start with inheritAppConfig: a %s', async (_, provider, name) => {
    const error: unknown = await start([provider], { inheritAppConfig: true }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).lines[0]).toContain(`${name} is global and has a scope`);
  });

  it('that do not guard messages are named in the log', async () => {
    await start([GUARD]);
    expect(lines.join('\n')).toMatch(/global guards do not guard messages: put @UseGuards\(\).*MessageGuard/);
  });
});
