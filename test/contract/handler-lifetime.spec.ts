import {
  Injectable,
  Module,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { once, EventEmitter } from 'node:events';
import { map, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Abort, MessagingGateway } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

const TIMEOUT_MS = 100;

class ExclaimInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<string>): Observable<string> {
    return next.handle().pipe(map((text) => `${text}!`));
  }
}

/** Emits `NAME` when a handler does what it is named for; a test emits `fail`. */
@Injectable()
class Events extends EventEmitter {}

@MessagingGateway()
class LifetimeGateway {
  constructor(private readonly events: Events) {}

  @SubscribeMessage('l.count')
  async *count(@MessageBody() to: number): AsyncGenerator<number> {
    for (let number = 1; number <= to; number++) {
      await Promise.resolve();
      yield number;
    }
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('l.intercepted')
  async *intercepted(): AsyncGenerator<string> {
    yield* ['a', 'b'];
  }

  @SubscribeMessage('l.sync')
  *sync(): Generator<number> {
    yield 1;
    yield 2;
  }

  @SubscribeMessage('l.plain')
  plain(): unknown {
    return [1, [2]];
  }

  @SubscribeMessage('l.fails')
  async *fails(): AsyncGenerator<number> {
    yield 1;
    throw new WsException('enough');
  }

  @SubscribeMessage('l.unsendable')
  async *unsendable(): AsyncGenerator {
    try {
      yield 1;
      yield 2n;
    } finally {
      this.events.emit('returned');
    }
  }

  /** Emits without an end and waits for nothing. */
  @SubscribeMessage('l.endless')
  async *endless(): AsyncGenerator<number> {
    try {
      for (;;) yield 0;
    } finally {
      this.events.emit('returned');
    }
  }

  /** Waits before its first value. */
  @SubscribeMessage('l.slow')
  async *slow(): AsyncGenerator<string> {
    try {
      this.events.emit('started');
      await once(this.events, 'go');
      yield 'first';
      yield 'second';
    } finally {
      this.events.emit('returned');
    }
  }

  @SubscribeMessage('l.late')
  async late(): Promise<never> {
    this.events.emit('started');
    await once(this.events, 'fail');
    throw new Error('a late failure');
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('l.late-intercepted')
  lateIntercepted(): Promise<never> {
    return this.late();
  }

  @SubscribeMessage('l.abort')
  async abort(@MessageBody() name: string, @Abort() signal: AbortSignal): Promise<string> {
    this.events.emit('started');
    if (name === 'quick') return String(signal.aborted);
    await new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        this.events.emit('aborted', (signal.reason as DOMException).name);
        reject(signal.reason as Error);
      }),
    );
    return 'never returned';
  }
}

@Module({ providers: [LifetimeGateway, Events] })
class LifetimeModule {}

describe('a running handler', () => {
  let server: TestServer;
  let events: Events;
  let alice: Client;
  const lines = keepLogLines();
  const errors = (): string[] => lines.filter((line) => line.includes('"level":"error"'));

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ LOG_FORMAT: 'json', ...variables }, [LifetimeModule]);
    events = server.app.get(Events, { strict: false });
    alice = await server.connect();
  };
  beforeEach(() => start());
  afterEach(() => server.stop());

  const answers = async (type: string, data?: unknown): Promise<unknown[]> => {
    alice.send({ type, id: 'l', data });
    const all: unknown[] = [];
    for (let answer = await alice.next(); ; answer = await alice.next()) {
      all.push(answer.data);
      if (answer.type === 'sys.ack' || answer.type === 'sys.error') return all;
    }
  };

  it('streams the values of a generator, then the ack', async () => {
    expect(await answers('l.count', 3)).toEqual([1, 2, 3, { status: 'accepted' }]);
    expect(await answers('l.count', 0)).toEqual([{ status: 'accepted' }]);
    expect(await answers('l.intercepted')).toEqual(['a!', 'b!', { status: 'accepted' }]);
    expect(await answers('l.sync')).toEqual([1, 2, { status: 'accepted' }]);
    expect(await answers('l.plain')).toEqual([[1, [2]], { status: 'accepted' }]);
  });

  it('is answered with one sys.error where a generator fails', async () => {
    expect(await answers('l.fails')).toEqual([1, { code: 'refused', message: 'enough' }]);
    const returned = once(events, 'returned');
    expect(await answers('l.unsendable')).toMatchObject([1, { code: 'internal_error' }]);
    await returned;
  });

  it('ends a generator when the session leaves, also before its first value', async () => {
    const started = once(events, 'started');
    alice.send({ type: 'l.slow', id: 'l' });
    await started;
    const returned = once(events, 'returned');
    alice.terminate();
    await alice.closed;
    events.emit('go');
    await returned;
  });

  it('lets others have their turn while a generator emits without an end', async () => {
    const bob = await server.connect();
    const returned = once(events, 'returned');
    alice.send({ type: 'l.endless' });
    await alice.next('l.endless');
    await bob.settled();
    alice.terminate();
    await returned;
  });

  it('is ended at the time-out where it is a generator without a value', async () => {
    await server.stop();
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    const returned = once(events, 'returned');
    expect(await answers('l.slow')).toMatchObject([{ code: 'internal_error' }]);
    events.emit('go');
    await returned;
    await alice.settled();
    expect(alice.inbox).toEqual([]);
  });

  it.each(['l.late', 'l.late-intercepted'])(
    'is logged once when it fails after the session has left: %s',
    async (type) => {
      const started = once(events, 'started');
      alice.send({ type, id: 'l' });
      await started;
      const bob = await server.connect();
      alice.terminate();
      await bob.next('sys.departed');
      await bob.settled();
      events.emit('fail');
      await bob.settled();
      expect(errors()).toHaveLength(1);
      expect(errors()[0]).toMatch(/a late failure.*"incident":"\w+".*"session":/s);
      expect(errors()[0]).toContain(type);
    },
  );

  it.each(['l.late', 'l.late-intercepted'])('is logged once when it fails after the time-out: %s', async (type) => {
    await server.stop();
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    expect(await answers(type)).toMatchObject([{ code: 'internal_error' }]);
    events.emit('fail');
    await alice.settled();
    expect(errors().filter((line) => line.includes('HANDLER_TIMEOUT_MS'))).toHaveLength(1);
    expect(errors().filter((line) => line.includes('a late failure'))).toHaveLength(1);
    expect(alice.inbox).toEqual([]);
  });

  it('gets a signal that is aborted when the session leaves, and is not logged for it', async () => {
    expect(await answers('l.abort', 'quick')).toEqual(['false', { status: 'accepted' }]);
    const started = once(events, 'started');
    alice.send({ type: 'l.abort', id: 'l', data: 'slow' });
    await started;
    const aborted = once(events, 'aborted');
    alice.terminate();
    expect(await aborted).toEqual(['AbortError']);
    const bob = await server.connect();
    await bob.settled();
    expect(errors()).toEqual([]);
  });

  it('gets a signal that is aborted at the time-out', async () => {
    await server.stop();
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    const aborted = once(events, 'aborted');
    expect(await answers('l.abort', 'slow')).toMatchObject([{ code: 'internal_error' }]);
    expect(await aborted).toEqual(['TimeoutError']);
    await alice.settled();
    expect(errors()).toHaveLength(1);
  });
});
