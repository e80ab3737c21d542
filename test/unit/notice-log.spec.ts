import { describe, expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { NoticeLog } from '../../src/messaging/notice-log.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import { textFrame } from '../../src/protocol/index.js';
import { readSettings } from '../../src/settings/environment.js';
import { newRegistry, openSession, type FakeSession } from '../support/sessions.js';

/** Notices at which the log is flushed before the window ends. */
const MAX_LOG_NOTICES = 4096;
const FEW = 200;
const MANY = 2000;

describe('the notice log', () => {
  it('is flushed before its window ends when it is full', async () => {
    const registry = newRegistry();
    void new NoticeLog(registry, readSettings({ NOTICE_WINDOW_MS: '10000' }));
    const { connection } = openSession(registry);
    const received = (): number => connection.envelopes.filter(({ type }) => type === 'sys.arrived').length;
    for (let count = 2; count < MAX_LOG_NOTICES; count++) openSession(registry);
    await turn();
    expect(received()).toBe(0);
    openSession(registry);
    await turn();
    expect(received()).toBe(MAX_LOG_NOTICES - 1);
  });

  it.each<[string, Record<string, string>]>([
    ['of one age', { ARRIVAL_NOTICES: 'off' }],
    ['that came one after another', { NOTICE_WINDOW_MS: '10000' }],
  ])('needs memory in proportion to the sessions %s that leave in one turn', (_, variables) => {
    const few = bytesJoined(FEW, variables);
    const many = bytesJoined(MANY, variables);
    expect(many / few).toBeLessThan((3 * MANY) / FEW);
  });

  it('needs memory in proportion to its notices where a broadcast overtakes its flush', () => {
    const joined = (count: number): number => {
      const { registry, noticeLog, all, memory } = crowd(count, { NOTICE_WINDOW_MS: '10000' });
      for (const { session } of all) noticeLog.catchUp(session);
      for (const { session } of all) session.outbox.flushAll();
      expect(registry.size).toBe(count);
      return sum(memory);
    };
    expect(joined(MANY) / joined(FEW)).toBeLessThan((3 * MANY) / FEW);
  });

  it('sends a session that leaves the departures of those that left before it in the same turn', () => {
    const registry = newRegistry();
    void new NoticeLog(registry, readSettings({ ARRIVAL_NOTICES: 'off' }));
    const all = Array.from({ length: 5 }, () => openSession(registry));
    for (const each of all) leave(registry, each);
    const senders = all.map(({ connection }) => connection.envelopes.slice(1).map(({ sender }) => sender));
    expect(senders).toEqual(all.map((_, index) => all.slice(0, index).map(({ session }) => session.id)));
  });

  it('puts the gap of a missed message behind the notices that were added before', async () => {
    const registry = newRegistry();
    const noticeLog = new NoticeLog(registry, readSettings({ NOTICE_WINDOW_MS: '10000' }));
    const { session, connection } = openSession(registry);
    connection.sink.stalled = true;
    session.send(textFrame(JSON.stringify({ type: 'long', data: 'x'.repeat(30_000) })));
    await turn();
    const { session: newcomer } = openSession(registry);
    noticeLog.miss(session);
    registry.end(newcomer, 1000);
    noticeLog.miss(session);
    connection.sink.resume();
    await turn();
    await turn();
    expect(connection.types).toEqual(['sys.welcome', 'long', 'sys.arrived', 'sys.gap', 'sys.departed', 'sys.gap']);
  });

  it.each(['rooms', 'none'])('has no departures with NOTICE_SCOPE=%s', async (NOTICE_SCOPE) => {
    const registry = newRegistry();
    const noticeLog = new NoticeLog(registry, readSettings({ NOTICE_SCOPE }));
    const [one, other] = [openSession(registry), openSession(registry)];
    noticeLog.recordExchange(one.session, other.session);
    leave(registry, other);
    noticeLog.remoteArrived('AAAAAAAA.a', undefined);
    noticeLog.remoteDeparted('AAAAAAAA.a', 1000);
    await turn();
    expect(one.connection.types).toEqual(['sys.welcome', 'sys.arrived', 'sys.arrived']);
  });
});

/** Closes sessions one after another in one turn, and returns the bytes of all memory that their connections got. */
function bytesJoined(count: number, variables: Record<string, string>): number {
  const { registry, all, memory } = crowd(count, variables);
  for (const each of all) leave(registry, each);
  return sum(memory);
}

function leave(registry: SessionRegistry, { session }: FakeSession): void {
  registry.end(session, 4000);
  session.outbox.flushAll();
}

interface Crowd {
  readonly registry: SessionRegistry;
  readonly noticeLog: NoticeLog;
  readonly all: readonly FakeSession[];
  readonly memory: ReadonlySet<ArrayBufferLike>;
}

/** Opens sessions whose connections keep no bytes, only which memory the bytes are in. */
function crowd(count: number, variables: Record<string, string>): Crowd {
  const registry = newRegistry();
  const noticeLog = new NoticeLog(registry, readSettings(variables));
  const memory = new Set<ArrayBufferLike>();
  const all = Array.from({ length: count }, () => openSession(registry));
  for (const { connection } of all)
    Object.defineProperty(connection.sink, 'write', { value: (bytes: Buffer) => memory.add(bytes.buffer) });
  return { registry, noticeLog, all, memory };
}

function sum(memory: ReadonlySet<ArrayBufferLike>): number {
  return [...memory].reduce((bytes, { byteLength }) => bytes + byteLength, 0);
}
