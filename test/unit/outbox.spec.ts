import { setImmediate as tick } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { controlFrame, OPCODE, textFrame, type Frame } from '../../src/protocol/index.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { Random } from '../support/random.js';
import { FakeConnection, newRegistry, openSession } from '../support/sessions.js';

const HIGH_WATER_BYTES = 100_000;

/** A text frame that is known by its type; `bytes` of padding decide whether it is copied or shared. */
function numbered(number: number, bytes = 0): Frame {
  return textFrame(JSON.stringify({ type: String(number), data: 'x'.repeat(bytes) }));
}

/** Appends a frame the way the fast router does: written into the reserved block. */
function route(session: Session, frame: Frame): void {
  const block = session.outbox.reserve(frame.length);
  block.bytes.set(frame, session.outbox.used);
  session.outbox.commit(session.outbox.used + frame.length);
}

/** Resolves when nothing waits for a session any more, within a bounded number of ticks. */
async function written(session: Session): Promise<void> {
  for (let ticks = 0; ticks < 100 && session.outbox.bufferedBytes > 0; ticks++) await tick();
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));

describe('a session and its connections', () => {
  let registry: SessionRegistry;
  let session: Session;
  let first: FakeConnection;
  let second: FakeConnection;

  beforeEach(() => {
    registry = newRegistry({ OUTBOX_HIGH_WATER_BYTES: String(HIGH_WATER_BYTES) });
    ({ session, connection: first } = openSession(registry));
    second = new FakeConnection();
  });

  it('keeps its id, and writes its frames in order to one connection and then to the other', async () => {
    const { id } = session;
    for (let number = 0; number < 50; number++) session.send(numbered(number));
    await tick();
    session.detach();
    for (let number = 50; number < 100; number++) session.send(numbered(number));
    await tick();
    session.attach(second);
    for (let number = 100; number < 150; number++) session.send(numbered(number));
    await tick();
    expect(first.types).toEqual(['sys.welcome', ...numbers(0, 50)]);
    expect(second.types).toEqual(numbers(50, 150));
    expect(registry.find(id)).toBe(session);
    expect(session.id).toBe(id);
  });

  it.each([
    ['shared frames', [3000]],
    ['copied frames', [0, 10, 2000]],
    ['frames larger than a block', [70_000]],
    ['all sizes', [0, 3000, 20, 70_000, 2040, 2050, 9000]],
  ])('loses no frame of a detached session: %s', async (_, sizes) => {
    session.detach();
    for (let number = 0; number < 60; number++) {
      const frame = numbered(number, sizes[number % sizes.length]);
      if (number % 2 === 0) session.send(frame);
      else route(session, frame);
      if (number % 7 === 0) await tick();
    }
    session.attach(second);
    await written(session);
    expect(first.types).toEqual(['sys.welcome']);
    expect(second.types).toEqual(numbers(0, 60));
    expect(session.outbox.bufferedBytes).toBe(0);
  });

  it('keeps the order of shared frames and those that leave in this tick', async () => {
    session.sendShared(numbered(0));
    session.send(numbered(1));
    session.sendShared(numbered(2));
    await tick();
    session.sendShared(numbered(3));
    await tick();
    expect(first.types.slice(1)).toEqual(numbers(0, 4));
  });

  it('moves the frames that a full connection left in the outbox to the next connection', async () => {
    first.sink.stalled = true;
    session.send(numbered(0, 20_000));
    await tick();
    for (let number = 1; number < 20; number++) session.send(numbered(number));
    await tick();
    session.detach();
    session.attach(second);
    await tick();
    first.sink.resume(); // the `drain` of a detached connection has no effect
    session.send(numbered(20));
    await tick();
    expect(first.types).toEqual(['sys.welcome', '0']);
    expect(second.types).toEqual(numbers(1, 21));
  });

  it('keeps the frames that a destroyed connection did not take', async () => {
    first.sink.destroy();
    for (let number = 0; number < 20; number++) session.send(numbered(number, number % 2 === 0 ? 10 : 5000));
    await tick();
    session.detach();
    session.attach(second);
    await tick();
    expect(second.types).toEqual(numbers(0, 20));
  });

  it('refuses messages to a detached session over the mark, and accepts them once a connection took the frames', async () => {
    session.detach();
    for (let number = 0; number < 60; number++) session.send(numbered(number, 3000));
    expect(session.outbox.overloaded).toBe(true);
    await tick();
    expect(registry.slowConsumers.totalBytes).toBe(session.outbox.bufferedBytes);
    session.attach(second);
    await tick();
    expect(session.outbox.overloaded).toBe(false);
    expect(registry.slowConsumers.totalBytes).toBe(0);
    expect(second.isPaused).toBe(false);
  });

  it('ends a detached session on close, with the code of the server', () => {
    const codes: number[] = [];
    registry.addListener('hooks', { closed: (_, code) => codes.push(code) });
    session.detach();
    session.close(4000);
    expect(session.closed).toBe(true);
    expect(codes).toEqual([4000]);
    expect(first.closedWith).toBeUndefined();
  });

  it('closes the attached connection', () => {
    session.detach();
    session.attach(second);
    session.close(4000);
    expect([first.closedWith, second.closedWith]).toEqual([undefined, 4000]);
  });
});

describe('the count of frames that an outbox has sent', () => {
  let session: Session;
  let connection: FakeConnection;

  beforeEach(() => {
    ({ session, connection } = openSession(newRegistry()));
  });

  it('is the number of text frames behind the welcome, whatever way they were appended', async () => {
    session.send(numbered(0));
    route(session, numbered(1));
    session.send(Buffer.concat([numbered(2), numbered(3), numbered(4)]) as Frame, 3);
    session.send(controlFrame(OPCODE.ping, new Uint8Array(0)), 0);
    session.send(numbered(5, 5000));
    session.send(numbered(6, 100_000));
    await tick();
    expect(connection.types).toEqual(['sys.welcome', ...numbers(0, 7)]);
    expect(session.outbox.framesSent).toBe(7);
  });

  it('does not count frames that wait, nor frames that were dropped', async () => {
    connection.sink.stalled = true;
    session.send(numbered(0, 20_000));
    await tick();
    for (let number = 1; number < 100; number++) session.send(numbered(number, 3000));
    await tick();
    expect(session.outbox.framesSent).toBe(1);
    session.outbox.discard();
    connection.sink.resume();
    await tick();
    session.send(numbered(100));
    await tick();
    expect(session.outbox.framesSent).toBe(2);
    expect(connection.types).toEqual(['sys.welcome', '0', '100']);
  });

  it('counts on over the next connection', async () => {
    session.send(numbered(0));
    await tick();
    session.detach();
    for (let number = 1; number < 100; number++) session.send(numbered(number, 3000));
    await tick();
    expect(session.outbox.framesSent).toBe(1);
    session.attach(new FakeConnection());
    await written(session);
    expect(session.outbox.framesSent).toBe(100);
  });
});

const MISSED = 'missed';
const MISSED_NOTICE = 'missed notice';

/**
 * Returns the types of the frames behind the welcome, and what was missed in the place of each `sys.gap`: first the
 * messages, then the notices.
 */
function sequence(...connections: readonly FakeConnection[]): string[] {
  const envelopes = connections.flatMap((connection) => connection.envelopes);
  return envelopes
    .filter(({ type }) => type !== 'sys.welcome')
    .flatMap(({ type, data }) => {
      if (type !== 'sys.gap') return [type];
      const { messages, notices } = data as { messages: number; notices: number };
      return [...Array<string>(messages).fill(MISSED), ...Array<string>(notices).fill(MISSED_NOTICE)];
    });
}

/** Returns a sequence with the missed messages of each gap before its missed notices. */
function messagesFirst(types: readonly string[]): string[] {
  const sorted: string[] = [];
  let notices = 0;
  for (const each of [...types, undefined]) {
    if (each === MISSED_NOTICE) notices++;
    else if (each === MISSED) sorted.push(each);
    else {
      sorted.push(...Array<string>(notices).fill(MISSED_NOTICE), ...(each === undefined ? [] : [each]));
      notices = 0;
    }
  }
  return sorted;
}

describe('the gap of a session that missed messages', () => {
  let registry: SessionRegistry;
  let session: Session;
  let connection: FakeConnection;

  beforeEach(async () => {
    registry = newRegistry({ OUTBOX_HIGH_WATER_BYTES: String(HIGH_WATER_BYTES) });
    ({ session, connection } = openSession(registry));
    connection.sink.stalled = true;
    session.send(numbered(0, HIGH_WATER_BYTES));
    await tick();
  });

  const miss = (messages: number): void => {
    expect(session.outbox.overloaded).toBe(true);
    for (let count = 0; count < messages; count++) session.missMessage();
  };

  it('is sent once the connection has drained, where no other frame follows', async () => {
    miss(3);
    await tick();
    expect(connection.types).toEqual(['sys.welcome', '0']);
    connection.sink.resume();
    await tick();
    await tick();
    expect(connection.envelopes.slice(2)).toEqual([
      { type: 'sys.gap', sender: 'server', receiver: session.id, data: { messages: 3, notices: 0 } },
    ]);
    expect(session.outbox.framesSent).toBe(2);
    expect(session.outbox.bufferedBytes).toBe(0);
    expect(registry.slowConsumers.totalBytes).toBe(0);
  });

  it.each<[string, (frame: Frame) => void]>([
    ['a frame', (frame) => session.send(frame)],
    ['a routed message', (frame) => route(session, frame)],
    ['a frame of many sessions', (frame) => session.sendShared(frame)],
  ])('is sent before %s that follows, although the outbox is overloaded', async (_, send) => {
    miss(2);
    send(numbered(1));
    miss(1);
    send(numbered(2, 3000));
    send(numbered(3));
    connection.sink.resume();
    await tick();
    await tick();
    expect(connection.types).toEqual(['sys.welcome', '0', 'sys.gap', '1', 'sys.gap', '2', '3']);
    expect(sequence(connection)).toEqual(['0', MISSED, MISSED, '1', MISSED, '2', '3']);
    expect(session.outbox.framesSent).toBe(6);
  });

  it('has the notices that were missed, counted apart', async () => {
    miss(2);
    for (let count = 0; count < 3; count++) session.sendNotice(numbered(1));
    connection.sink.resume();
    await tick();
    await tick();
    session.sendNotice(numbered(2));
    await tick();
    expect(connection.types).toEqual(['sys.welcome', '0', 'sys.gap', '2']);
    expect(connection.envelopes[2]!.data).toEqual({ messages: 2, notices: 3 });
  });

  it('is sent over the next connection, behind the frames that wait', async () => {
    session.send(numbered(1));
    session.detach();
    session.send(numbered(2));
    for (let number = 3; !session.outbox.overloaded; number++) session.send(numbered(number, 30_000));
    const next = new FakeConnection();
    miss(2);
    session.attach(next);
    miss(3);
    await tick();
    await tick();
    expect(next.types.slice(0, 2)).toEqual(['1', '2']);
    expect(next.envelopes.at(-1)).toMatchObject({ type: 'sys.gap', data: { messages: 5 } });
    expect(next.types.filter((type) => type === 'sys.gap')).toHaveLength(1);
  });

  it('is sent over the next connection where nothing else waits', async () => {
    miss(1);
    session.detach(); // the frames in the sink are gone
    const next = new FakeConnection();
    session.attach(next);
    await tick();
    await tick();
    expect(sequence(next)).toEqual([MISSED]);
  });

  it('is not sent to a session that has ended', async () => {
    miss(3);
    registry.end(session, 1000);
    miss(1);
    session.sendNotice(numbered(1));
    connection.sink.resume();
    session.outbox.flushAll();
    await tick();
    await tick();
    expect(connection.types).toEqual(['sys.welcome', '0']);
  });

  it('is not sent to a session that is shed', async () => {
    miss(3);
    session.shed(4100);
    connection.sink.resume();
    await tick();
    await tick();
    expect(connection.types).toEqual(['sys.welcome', '0']);
    expect(connection.closedWith).toBe(4100);
  });
});

describe('random sequences of frames, missed messages and connections', () => {
  const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);
  const SIZES = [0, 0, 0, 100, 1000, 2040, 2060, 6000, 70_000];

  it.each(SEEDS)('keep the order and the exact numbers of missed messages and notices, seed %i', async (seed) => {
    const random = new Random(seed);
    const registry = newRegistry({ OUTBOX_HIGH_WATER_BYTES: '20000' });
    const opened = openSession(registry);
    const { session } = opened;
    const connections = [opened.connection];
    const link = { current: opened.connection as FakeConnection | undefined };
    const expected: string[] = [];
    let number = 0;
    const next = (): Frame => {
      expected.push(String(number));
      return numbered(number++, random.pick(SIZES));
    };
    const attach = (): FakeConnection => {
      link.current = new FakeConnection();
      connections.push(link.current);
      session.attach(link.current);
      return link.current;
    };
    const steps: readonly (() => Promise<void> | void)[] = [
      () => {
        if (link.current !== undefined) link.current.sink.stalled = true;
      },
      () => link.current?.sink.resume(),
      () => tick(),
      () => session.send(controlFrame(OPCODE.ping, new Uint8Array(0)), 0),
      () => {
        // Bytes in the sink of a lost connection are lost, too.
        if (link.current === undefined || link.current.sink.stalled || link.current.sink.writableLength > 0) return;
        session.detach();
        link.current = undefined;
      },
      () => {
        if (link.current === undefined) attach().sink.stalled = random.once(2);
      },
    ];
    const sends: readonly (() => void)[] = [
      () => session.send(next()),
      () => session.sendShared(next()),
      () => session.sendNotice(next()),
      () => route(session, next()),
      () => session.send(Buffer.concat([next(), next()]) as Frame, 2),
    ];
    for (let step = 0; step < 1000; step++) {
      if (random.once(3)) await random.pick(steps)();
      else if (!session.outbox.overloaded) random.pick(sends)();
      else if (random.once(10)) session.send(next());
      else if (random.once(2)) {
        session.missMessage();
        expected.push(MISSED);
      } else {
        session.sendNotice(numbered(-1));
        expected.push(MISSED_NOTICE);
      }
    }
    (link.current ?? attach()).sink.resume();
    for (let count = 0; count < 10; count++) await tick();
    expect(expected).toContain(MISSED);
    expect(expected).toContain(MISSED_NOTICE);
    expect(messagesFirst(sequence(...connections))).toEqual(messagesFirst(expected));
    const sent = connections.flatMap(({ types }) => types).length - 1; // without the welcome
    expect(session.outbox.framesSent).toBe(sent);
    expect(session.outbox.bufferedBytes).toBe(0);
    expect(registry.slowConsumers.totalBytes).toBe(0);
    const gaps = connections.flatMap(({ envelopes }) => envelopes).filter(({ type }) => type === 'sys.gap');
    for (const { receiver, data } of gaps) {
      expect(receiver).toBe(session.id);
      const { messages, notices } = data as { messages: number; notices: number };
      expect(messages + notices).toBeGreaterThan(0);
    }
  });
});
