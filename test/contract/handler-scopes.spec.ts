import {
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  Catch,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketServer, WsException } from '@nestjs/websockets';
import { AsyncLocalStorage } from 'node:async_hooks';
import { map, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MessagingGateway, type Session } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

@Injectable()
class Shared {
  readonly word = 'shared';
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  static made = 0;
  readonly number = ++PerRequest.made;

  constructor(
    @Inject(REQUEST) private readonly request: { session?: Session },
    readonly shared: Shared,
  ) {}

  describe(): unknown {
    return { number: this.number, session: this.request.session?.id, word: this.shared.word };
  }
}

@MessagingGateway()
class ByDependencyGateway {
  @WebSocketServer() server: unknown;
  readonly #own = 'private';

  constructor(private readonly perRequest: PerRequest) {}

  @SubscribeMessage('s.dependency')
  dependency(): unknown {
    return { own: this.#own, server: this.server !== undefined, ...(this.perRequest.describe() as object) };
  }

  @SubscribeMessage('s.fails')
  fails(): never {
    throw new WsException('no');
  }
}

@Injectable({ scope: Scope.TRANSIENT })
@MessagingGateway()
class TransientGateway {
  @WebSocketServer() server: unknown;

  constructor(private readonly shared: Shared) {}

  @SubscribeMessage('s.transient')
  transient(): unknown {
    return { word: this.shared.word, server: this.server !== undefined };
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  constructor(private readonly perRequest: PerRequest) {}

  canActivate(): boolean {
    return this.perRequest.number > 0;
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedPipe implements PipeTransform {
  constructor(private readonly perRequest: PerRequest) {}

  transform(value: unknown): unknown {
    return typeof value === 'string' ? `${value} ${this.perRequest.shared.word}` : value;
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedInterceptor implements NestInterceptor {
  constructor(private readonly perRequest: PerRequest) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => [value, this.perRequest.shared.word]));
  }
}

@Injectable({ scope: Scope.REQUEST })
@Catch(WsException)
class ScopedFilter implements ExceptionFilter {
  constructor(private readonly perRequest: PerRequest) {}

  catch({ message }: WsException): string {
    return `${message} ${this.perRequest.shared.word}`;
  }
}

@UseGuards(ScopedGuard)
@UseInterceptors(ScopedInterceptor)
@UseFilters(ScopedFilter)
@MessagingGateway()
class ScopedPartsGateway {
  @UsePipes(ScopedPipe)
  @SubscribeMessage('s.parts')
  parts(@MessageBody() text: string): string {
    return text;
  }

  @SubscribeMessage('s.parts-fail')
  partsFail(): never {
    throw new WsException('no');
  }
}

const stored = new AsyncLocalStorage<string>();

class StoringGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToWs().getData() === 'guard') stored.enterWith('of the guard');
    return true;
  }
}

@MessagingGateway()
class StoringGateway {
  @UseGuards(StoringGuard)
  @SubscribeMessage('s.store')
  store(@MessageBody() how: string): string {
    const before = stored.getStore() ?? 'empty';
    if (how === 'handler') stored.enterWith('of the handler');
    return before;
  }

  @SubscribeMessage('s.store-later')
  async storeLater(): Promise<string> {
    await Promise.resolve();
    const before = stored.getStore() ?? 'empty';
    stored.enterWith('of the handler, later');
    return before;
  }
}

@Module({
  providers: [Shared, PerRequest, ByDependencyGateway, TransientGateway, ScopedPartsGateway, StoringGateway],
})
class ScopesModule {}

describe('a handler of a scoped gateway', () => {
  let server: TestServer;
  let alice: Client;
  let bob: Client;
  const lines = keepLogLines();

  beforeAll(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off' }, [ScopesModule]);
    alice = await server.connect();
    bob = await server.connect();
  });
  afterAll(() => server.stop());

  const ask = async (type: string, data?: unknown, client = alice): Promise<unknown> => {
    client.send({ type, id: 's', data });
    const answer = await client.answer('s');
    if (answer.type !== 'sys.error') expect(await client.answer('s')).toMatchObject({ type: 'sys.ack' });
    return answer.data;
  };

  it('runs on an instance of its connection, with its dependencies and the socket as REQUEST', async () => {
    const first = (await ask('s.dependency')) as { number: number };
    expect(first).toMatchObject({ own: 'private', server: true, session: alice.id, word: 'shared' });
    expect(await ask('s.dependency')).toEqual(first);
    const other = (await ask('s.dependency', undefined, bob)) as { number: number };
    expect(other).toMatchObject({ own: 'private', server: true, session: bob.id, word: 'shared' });
    expect(other.number).not.toBe(first.number);
    expect(await ask('s.fails')).toEqual({ code: 'refused', message: 'no' });
    expect(lines).toEqual([]);
  });

  it('runs on a transient instance with its dependencies', async () => {
    expect(await ask('s.transient')).toEqual({ word: 'shared', server: true });
  });

  it('has scoped guards, pipes, interceptors and filters', async () => {
    expect(await ask('s.parts', 'text')).toEqual(['text shared', 'shared']);
    expect(await ask('s.parts-fail')).toEqual({ code: 'refused', message: 'no shared' });
  });

  it('starts with an empty async context, whatever another message has stored', async () => {
    for (const how of ['guard', 'handler', 'neither']) {
      const expected = how === 'guard' ? 'of the guard' : 'empty';
      expect(await ask('s.store', how)).toBe(expected);
      expect(await ask('s.store-later')).toBe('empty');
    }
    for (let count = 0; count < 3; count++) alice.send({ type: 's.store', data: count === 0 ? 'handler' : 'neither' });
    for (let count = 0; count < 3; count++) expect((await alice.next('s.store')).data).toBe('empty');
    expect(await ask('s.store', 'neither', bob)).toBe('empty');
  });
});
