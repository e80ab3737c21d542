import {
  Injectable,
  Module,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, type WsResponse } from '@nestjs/websockets';
import { once, EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { finalize, from, map, mergeMap, of, range, Subject, tap, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/index.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from '../support/client-frames.js';
import type { Client, Received } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { flood, StalledReader } from '../support/stalled-reader.js';

const MARK = 262_144;
const ROW = 'r'.repeat(30_000);
/** More than the mark and the buffers of the kernel take. */
const MANY = 500;
const TIMEOUT_MS = 1000;
/** Streams of one session at the same time. */
const STREAMS = 20;

/** Adds to the text of each value. */
class ExclaimInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<string>): Observable<string> {
    return next.handle().pipe(map((text) => `${text}!`));
  }
}

/** Makes many values of each value, at once. */
class MultiplyInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<string>): Observable<string> {
    return next.handle().pipe(mergeMap((text) => range(0, MANY).pipe(map(() => text))));
  }
}

/** Records the progress of the streams; emits `ended` when one ends. */
@Injectable()
class Progress extends EventEmitter {
  /** Values that the streams were asked for, or have pushed. */
  produced = 0;
  /** Pushed to the sessions that have sent `s.subject`. */
  readonly subject = new Subject<string>();
}

@MessagingGateway()
class StreamsGateway {
  constructor(private readonly progress: Progress) {}

  @SubscribeMessage('s.async')
  async *rows(@MessageBody() rows: number): AsyncGenerator<string> {
    try {
      for (let row = 0; row < rows; row++) {
        await turn();
        this.progress.produced++;
        yield `${row} ${ROW}`;
      }
    } finally {
      this.progress.emit('ended');
    }
  }

  @SubscribeMessage('s.sync')
  *sync(@MessageBody() rows: number): Generator<string> {
    for (let row = 0; row < rows; row++) {
      this.progress.produced++;
      yield `${row} ${ROW}`;
    }
  }

  @SubscribeMessage('s.returned')
  returned(@MessageBody() rows: number): AsyncIterable<string> {
    return this.rows(rows);
  }

  @SubscribeMessage('s.readable')
  readable(@MessageBody() rows: number): Readable {
    return Readable.from(this.rows(rows));
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('s.intercepted')
  intercepted(@MessageBody() rows: number): AsyncIterable<string> {
    return this.rows(rows);
  }

  @SubscribeMessage('s.events')
  async *events(@MessageBody() rows: number): AsyncGenerator<WsResponse<string>> {
    for await (const data of this.rows(rows)) yield { event: 's.row', data };
  }

  /** Waits for `value` before the second of three values. */
  @SubscribeMessage('s.late')
  async *late(@MessageBody() bytes: number): AsyncGenerator<string> {
    yield '0';
    await once(this.progress, 'value');
    yield `1 ${'r'.repeat(bytes)}`;
    yield '2';
  }

  @SubscribeMessage('s.range')
  range(@MessageBody() rows: number): Observable<string> {
    return range(0, rows).pipe(
      tap(() => this.progress.produced++),
      map((row) => `${row} ${ROW}`),
      finalize(() => this.progress.emit('ended')),
    );
  }

  @SubscribeMessage('s.subject')
  subject(): Observable<string> {
    return this.progress.subject.pipe(finalize(() => this.progress.emit('ended')));
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('s.subject-intercepted')
  subjectIntercepted(): Observable<string> {
    return this.subject();
  }

  /** Hides the generator in an observable, which pulls whether values are sent or not. */
  @SubscribeMessage('s.from')
  from(@MessageBody() rows: number): Observable<string> {
    return from(this.rows(rows));
  }

  @UseInterceptors(MultiplyInterceptor)
  @SubscribeMessage('s.multiplied')
  multiplied(@MessageBody() rows: number): AsyncIterable<string> {
    return this.rows(rows);
  }

  /** Holds up the handled messages behind it. */
  @SubscribeMessage('s.gate')
  async gate(): Promise<void> {
    await once(this.progress, 'open');
  }

  @SubscribeMessage('s.value')
  value(): string {
    return 'value';
  }

  @SubscribeMessage('s.one')
  one(): Observable<string> {
    return of('one');
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('s.one-intercepted')
  oneIntercepted(): string {
    return 'one';
  }
}

@Module({ providers: [StreamsGateway, Progress] })
class StreamsModule {}

describe('the stream of a handler to a client that does not read', () => {
  let server: TestServer;
  let progress: Progress;
  let calm: Client;
  let reader: StalledReader;
  afterEach(() => server.stop());

  async function start(variables: Record<string, string> = {}): Promise<void> {
    const settings = { OUTBOX_HIGH_WATER_BYTES: String(MARK), SLOW_CONSUMER_MS: '60000', ARRIVAL_NOTICES: 'off' };
    server = await startServer({ ...settings, ...variables }, [StreamsModule]);
    progress = server.app.get(Progress, { strict: false });
    calm = await server.connect();
    reader = await StalledReader.open(server);
  }

  const ask = (type: string, id: string, data?: unknown): void =>
    void reader.client.socket.write(clientFrame(JSON.stringify({ type, id, data })));

  /** Resolves once more bytes wait than the mark, and nothing is produced any more. */
  async function full(): Promise<void> {
    await expect.poll(() => reader.waitingBytes).toBeGreaterThan(MARK);
    for (let before = -1; before !== progress.produced;) {
      before = progress.produced;
      for (let round = 0; round < 20; round++) await calm.settled();
    }
  }

  /** Runs the handlers of these requests when more bytes wait for the session than the mark. */
  async function fullBefore(requests: () => void): Promise<void> {
    reader.client.socket.cork(); // all are read from one chunk, because nothing is read over the mark
    ask('s.gate', 'gate');
    requests();
    reader.client.socket.uncork();
    await expect.poll(() => progress.listenerCount('open')).toBe(1);
    await calm.settled();
    await flood(calm, reader.id, ROW.length, () => reader.waitingBytes > MARK);
    progress.emit('open');
  }

  /** Reads up to the frames that end these exchanges; returns all answers by the `id` of their request. */
  async function answersOf(...ids: readonly string[]): Promise<Received[][]> {
    const open = new Set(ids);
    const ended = reader.client.until((line) => {
      if (!/"type":"sys\.(ack|error)"/.test(line)) return false;
      open.delete((JSON.parse(line.slice('text '.length)) as Received).ref!);
      return open.size === 0;
    });
    reader.client.socket.resume();
    await ended;
    const read = reader.read();
    return ids.map((id) => read.filter(({ ref }) => ref === id));
  }

  const rowsOf = (answers: readonly Received[]): number[] =>
    answers.slice(0, -1).map(({ data }) => Number.parseInt(data as string, 10));
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number);
  const held = (): number => server.app.get(SessionRegistry).slowConsumers.totalBytes;

  it.each(['s.async', 's.sync', 's.returned', 's.readable', 's.intercepted', 's.events'])(
    'is pulled up to the mark, and on where the client reads again: %s',
    async (type) => {
      await start();
      ask(type, 'rows', MANY);
      await full();
      expect(progress.produced).toBeLessThan(MANY);
      expect(reader.waitingBytes).toBeLessThan(MARK + 2 * ROW.length);
      const [rows] = await answersOf('rows');
      expect(rows!.at(-1)!.data).toEqual({ status: 'accepted' });
      expect(rowsOf(rows!)).toEqual(numbers(MANY));
      await expect.poll(held).toBe(0);
    },
  );

  it('shares the mark with the other streams of the session, each in its order', async () => {
    await start();
    ask('s.async', 'first', MANY);
    ask('s.async', 'second', MANY);
    await full();
    expect(reader.waitingBytes).toBeLessThan(MARK + 2 * ROW.length);
    const both = await answersOf('first', 'second');
    for (const rows of both) {
      expect(rows.at(-1)!.data).toEqual({ status: 'accepted' });
      expect(rowsOf(rows)).toEqual(numbers(MANY));
    }
  });

  it('takes no time of its handler while it waits', async () => {
    await start({ HANDLER_TIMEOUT_MS: String(TIMEOUT_MS) });
    ask('s.async', 'rows', MANY);
    await full();
    await delay(1.5 * TIMEOUT_MS);
    const [rows] = await answersOf('rows');
    expect(rows!.at(-1)!.data).toEqual({ status: 'accepted' });
  });

  it('waits where the messages of others have filled the buffer', async () => {
    await start();
    await fullBefore(() => ask('s.async', 'rows', 3));
    await expect.poll(() => progress.produced).toBe(1);
    for (let round = 0; round < 20; round++) await calm.settled();
    expect(progress.produced).toBe(1);
    const [rows] = await answersOf('rows');
    expect(rows!.at(-1)!.data).toEqual({ status: 'accepted' });
    expect(rowsOf(rows!)).toEqual(numbers(3));
  });

  it('waits where the values of other streams have filled the buffer again', async () => {
    await start();
    progress.setMaxListeners(STREAMS);
    const ids = numbers(STREAMS).map((number) => `late-${number}`);
    for (const id of ids) ask('s.late', id, 2 * MARK);
    await expect.poll(() => progress.listenerCount('value')).toBe(STREAMS);
    await flood(calm, reader.id, ROW.length, () => reader.waitingBytes > MARK);
    progress.emit('value');
    await calm.settled();
    const all = await answersOf(...ids);
    for (const rows of all) {
      expect(rows.at(-1)!.data).toEqual({ status: 'accepted' });
      expect(rowsOf(rows)).toEqual(numbers(3));
    }
  });

  it.each([
    ['leaves', (): unknown => reader.client.socket.destroy()],
    ['is closed', (): unknown => reader.session.close(4000)],
  ])('ends by return() while it waits where the session %s', async (_, end) => {
    await start();
    ask('s.async', 'rows', MANY);
    await full();
    const ended = once(progress, 'ended');
    const { produced } = progress;
    end();
    await ended;
    expect(progress.produced).toBe(produced);
    await expect.poll(held).toBe(0);
  });

  it('ends with the session where the client is closed as a slow consumer', async () => {
    await start({ SLOW_CONSUMER_MS: '100' });
    const ended = once(progress, 'ended');
    ask('s.async', 'rows', MANY);
    await ended;
    expect(await calm.next('sys.departed')).toMatchObject({ sender: reader.id, data: { code: 4100 } });
  });

  it.each(['s.range', 's.from', 's.multiplied'])(
    'is ended with receiver_overloaded at the mark where it cannot wait: %s',
    async (type) => {
      await start();
      const ended = once(progress, 'ended');
      ask(type, 'rows', MANY);
      await full();
      await ended;
      expect(progress.produced).toBeLessThan(MANY);
      expect(reader.waitingBytes).toBeLessThan(MARK + 2 * ROW.length);
      const [rows] = await answersOf('rows');
      expect(rows!.at(-1)).toMatchObject({ type: 'sys.error', data: { code: 'receiver_overloaded' } });
      if (type !== 's.multiplied') expect(rowsOf(rows!)).toEqual(numbers(rows!.length - 1));
      await expect.poll(held).toBe(0);
    },
  );

  it.each(['s.subject', 's.subject-intercepted'])(
    'is unsubscribed at the mark where the values come from outside: %s',
    async (type) => {
      await start();
      ask(type, 'rows');
      await expect.poll(() => progress.subject.observed).toBe(true);
      let sent = 0;
      for (; progress.subject.observed && sent < MANY; await turn()) progress.subject.next(`${sent++} ${ROW}`);
      expect(sent).toBeLessThan(MANY);
      expect(reader.waitingBytes).toBeLessThan(MARK + 2 * ROW.length);
      const [rows] = await answersOf('rows');
      expect(rows!.at(-1)).toMatchObject({ type: 'sys.error', data: { code: 'receiver_overloaded' } });
      expect(rowsOf(rows!)).toEqual(numbers(sent - 1));
    },
  );

  it('is not ended where it is a single answer', async () => {
    await start();
    const requests = ['s.value', 's.one', 's.one-intercepted', 's.async'];
    await fullBefore(() => requests.forEach((type) => ask(type, type, 1)));
    const answers = await answersOf(...requests);
    for (const each of answers) expect(each.map(({ type }) => type)).toEqual([each[0]!.type, 'sys.ack']);
  });
});
