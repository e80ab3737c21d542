import { setImmediate as turn } from 'node:timers/promises';
import { of, Subject, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HandlerQueue } from '../../src/gateway/dispatch/handler-queue.js';
import type { HandlerReplies } from '../../src/gateway/dispatch/handler-replies.js';
import { HandlerRunner } from '../../src/gateway/dispatch/handler-runner.js';
import { HandlerTable, type MessageHandlerCallback } from '../../src/gateway/dispatch/handler-table.js';
import { HandlerTurns, type TurnTaker } from '../../src/gateway/dispatch/handler-turns.js';
import { Counters } from '../../src/telemetry/counters.js';
import { MessageError, MAX_WAITING_CALLS, type ServerRequest } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Settings } from '../../src/settings/settings.js';
import { accessWithoutProviders } from '../support/access.js';
import { newRegistry, openSession } from '../support/sessions.js';

const MAX_BYTES = 1_000_000;

/** Records the replies to the client. */
class RecordedReplies {
  readonly lines: string[] = [];

  value(_: unknown, { id }: ServerRequest, value: unknown): void {
    if (value === 'unsendable') throw new Error('cannot be sent');
    this.lines.push(`${id} value ${JSON.stringify(value)}`);
  }

  done(_: unknown, { id }: ServerRequest): void {
    this.lines.push(`${id} done`);
  }

  failed(_: unknown, { id }: ServerRequest, error: unknown): void {
    this.lines.push(`${id} failed: ${(error as Error).message}`);
  }

  failedLate(_: unknown, { id }: ServerRequest, error: unknown): void {
    this.lines.push(`${id} failed late: ${(error as Error).message}`);
  }
}

/** Turns that a test ends and begins. */
class HeldTurns extends HandlerTurns {
  isOver = false;
  taker: TurnTaker | undefined;

  override mustYield(): boolean {
    return this.isOver;
  }

  override wait(taker: TurnTaker): void {
    this.taker = taker;
  }
}

/** A handler that returns when the test opens it. */
class Gate {
  readonly started: unknown[] = [];
  #open: (value: unknown) => void = () => undefined;

  readonly handler = async (body: unknown): Promise<unknown> => {
    this.started.push(body);
    return new Promise((resolve) => (this.#open = resolve));
  };

  async open(value?: unknown): Promise<void> {
    this.#open(value);
    await turn();
  }
}

/** A turn whose time is never used up, because a busy machine may take longer than a turn for nothing. */
class EndlessTurn extends HandlerTurns {
  override mustYield(): boolean {
    return false;
  }
}

describe('the handler queue', () => {
  let replies: RecordedReplies;
  let gate: Gate;
  let registry: SessionRegistry;
  let session: Session;
  let queue: HandlerQueue;

  const envelope = (id: string, data?: string): ServerRequest => ({ type: 'x', id, receiver: undefined, data });
  const newQueue = (handlerTimeoutMs: number, turns: HandlerTurns = new EndlessTurn()): HandlerQueue => {
    const counters = new Counters();
    const settings = { handlerTimeoutMs, handlerQueueBytes: MAX_BYTES } as Settings;
    const { slowConsumers } = registry;
    const asReplies = replies as unknown as HandlerReplies;
    const runner = new HandlerRunner(
      new HandlerTable(accessWithoutProviders({ directMessages: true, reservedTypes: [] })),
      asReplies,
      counters,
      slowConsumers,
      settings,
    );
    return new HandlerQueue(session, {
      runner,
      counters,
      turns,
      slowConsumers,
      maxBytes: MAX_BYTES,
    });
  };
  const add = (request: ServerRequest, handler: MessageHandlerCallback, bytes = 0): void =>
    queue.add(session.connection!, request, handler, bytes);
  const returning = (value: unknown) => async (): Promise<unknown> => value;

  beforeEach(() => {
    replies = new RecordedReplies();
    gate = new Gate();
    registry = newRegistry();
    ({ session } = openSession(registry));
    queue = newQueue(60_000);
  });
  afterEach(() => vi.useRealTimers());

  it('runs one call at a time, in order', async () => {
    add(envelope('1', '"a"'), gate.handler);
    add(envelope('2', '"b"'), gate.handler);
    add(envelope('3'), returning('last'));
    await turn();
    expect(gate.started).toEqual(['a']);
    await gate.open('A');
    expect(gate.started).toEqual(['a', 'b']);
    await gate.open('B');
    expect(replies.lines).toEqual(['1 value "A"', '1 done', '2 value "B"', '2 done', '3 value "last"', '3 done']);
  });

  it.each([1, 2, 3])('has not done a turn while its call number %i must be awaited', (awaited) => {
    const turns = new HeldTurns();
    queue = newQueue(60_000, turns);
    turns.isOver = true;
    for (const number of [1, 2]) add(envelope(`${number}`), number === awaited ? gate.handler : () => number);
    turns.isOver = false;
    expect(turns.taker!.takeTurn()).toBe(awaited > 2);
  });

  it('passes the value of data to the handler, and undefined without data', async () => {
    add(envelope('1', '{"a":[1,null]}'), gate.handler);
    await gate.open();
    add(envelope('2'), gate.handler);
    await gate.open();
    expect(gate.started).toEqual([{ a: [1, null] }, undefined]);
  });

  it('runs the next call after a handler fails', async () => {
    add(envelope('1'), async () => {
      throw new Error('oh');
    });
    add(envelope('2'), returning(2));
    await turn();
    expect(replies.lines).toEqual(['1 failed: oh', '2 value 2', '2 done']);
  });

  it('runs calls that await nothing at once, in order, however many they are', () => {
    vi.useFakeTimers({ toFake: ['performance'] }); // their turn must not end
    const names = Array.from({ length: 2 * MAX_WAITING_CALLS }, (_, index) => `${index}`);
    for (const name of names) add(envelope(name), () => name);
    expect(replies.lines).toEqual(names.flatMap((name) => [`${name} value "${name}"`, `${name} done`]));
  });

  it('runs the next call at once after a handler has thrown', () => {
    add(envelope('1'), () => {
      throw new Error('oh');
    });
    add(envelope('2'), () => 2);
    expect(replies.lines).toEqual(['1 failed: oh', '2 value 2', '2 done']);
  });

  it('keeps the order of calls that await nothing behind one that does', async () => {
    add(envelope('1'), gate.handler);
    add(envelope('2'), () => 2);
    expect(replies.lines).toEqual([]);
    await gate.open('A');
    expect(replies.lines).toEqual(['1 value "A"', '1 done', '2 value 2', '2 done']);
  });

  it('waits for the next turn once calls that await nothing have used up theirs', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    queue = newQueue(60_000, new HandlerTurns());
    for (const name of ['1', '2', '3']) add(envelope(name), () => (vi.advanceTimersByTime(6), name));
    expect(replies.lines).toEqual(['1 value "1"', '1 done']);
    await turn();
    await turn();
    expect(replies.lines.slice(2, 4)).toEqual(['2 value "2"', '2 done']);
    for (let count = 0; count < 4; count++) await turn();
    expect(replies.lines.slice(4)).toEqual(['3 value "3"', '3 done']);
  });

  it('queues 64 calls and refuses the next without running it', async () => {
    add(envelope('running'), gate.handler);
    for (let count = 0; count < MAX_WAITING_CALLS; count++) add(envelope(`${count}`), returning(undefined));
    const refusal = (): MessageError | undefined => {
      try {
        add(envelope('over'), returning(undefined));
      } catch (error) {
        return error as MessageError;
      }
      return undefined;
    };
    expect(refusal()).toBeInstanceOf(MessageError);
    expect(refusal()).toMatchObject({ code: 'rate_limited', ref: 'over', details: { retryAfterMs: 1000 } });
    await gate.open();
    expect(replies.lines.filter((line) => line.endsWith('done'))).toHaveLength(1 + MAX_WAITING_CALLS);
    expect(replies.lines.join('\n')).not.toContain('over');
  });

  it('times out a handler and ignores its late result', async () => {
    queue = newQueue(20);
    add(envelope('slow'), gate.handler);
    await new Promise((resolve) => add(envelope('next'), async () => resolve('started')));
    await gate.open('too late');
    expect(replies.lines.filter((line) => !line.startsWith('next'))).toEqual([
      'slow failed: handler exceeded HANDLER_TIMEOUT_MS, 20 ms',
    ]);
  });

  it('runs the next call once an observable is subscribed, and replies with each value', async () => {
    const values = new Subject<number>();
    add(envelope('1'), returning(values));
    add(envelope('2'), returning(of('a', 'b')));
    await turn();
    values.next(1);
    values.next(2);
    values.complete();
    values.next(3);
    expect(replies.lines).toEqual(['2 value "a"', '2 value "b"', '2 done', '1 value 1', '1 value 2', '1 done']);
  });

  it('replies to an observable that fails with one error', async () => {
    add(envelope('1'), returning(throwError(() => new Error('broken'))));
    await turn();
    expect(replies.lines).toEqual(['1 failed: broken']);
  });

  it('unsubscribes from an observable whose value cannot be sent', async () => {
    const values = new Subject<string>();
    add(envelope('1'), returning(values));
    await turn();
    values.next('good');
    values.next('unsendable');
    values.next('good');
    await turn();
    expect(values.observed).toBe(false);
    expect(replies.lines).toEqual(['1 value "good"', '1 failed: cannot be sent']);
  });

  it('allows 64 observables at a time', async () => {
    const streams = Array.from({ length: MAX_WAITING_CALLS }, () => new Subject<number>());
    for (const [index, stream] of streams.entries()) add(envelope(`${index}`), returning(stream));
    await turn();
    expect(() => add(envelope('over'), returning(1))).toThrow(MessageError);
    streams[0]!.complete();
    add(envelope('again'), returning(1));
    await turn();
    expect(replies.lines.at(-1)).toBe('again done');
  });

  it('drops waiting calls and unsubscribes from observables when its session closes', async () => {
    const values = new Subject<number>();
    add(envelope('1'), returning(values));
    await turn();
    add(envelope('2'), gate.handler);
    add(envelope('3'), gate.handler);
    session.closed = true;
    queue.drop();
    expect(values.observed).toBe(false);
    const late = new Subject<number>();
    await gate.open(late);
    expect(late.observed).toBe(false);
    expect(gate.started).toHaveLength(1);
    expect(replies.lines).toEqual([]);
  });
});
