import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { textFrame } from '../../src/protocol/index.js';
import type { SessionListener, SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

/** Writes down what it is told, and what the registry says at that moment. */
class Diary implements SessionListener {
  readonly lines: string[] = [];

  constructor(private readonly registry: SessionRegistry) {}

  opened(session: Session): void {
    this.lines.push(`${session.id} arrived, found ${this.registry.find(session.id) === session}`);
  }

  closed(session: Session, code: number): void {
    this.lines.push(`${session.id} departed ${code}, found ${this.registry.find(session.id) === session}`);
  }
}

describe('the session registry', () => {
  let registry: SessionRegistry;
  let diary: Diary;

  beforeEach(() => {
    registry = newRegistry({ HEARTBEAT_MS: '1234', MAX_MESSAGE_BYTES: '5678', NOTICE_SCOPE: 'peers' });
    registry.addListener((diary = new Diary(registry)));
  });

  it('sends a welcome before anything else', async () => {
    const { session, connection } = openSession(registry);
    session.send(textFrame('{"type":"later"}'));
    await turn();
    expect(connection.envelopes).toEqual([
      {
        type: 'sys.welcome',
        sender: 'server',
        receiver: session.id,
        data: { protocol: 1, heartbeatMs: 1234, maxMessageBytes: 5678, notices: 'peers' },
      },
      { type: 'later' },
    ]);
  });

  it('finds a session by its id and by the hash of it, and no other', () => {
    const { session } = openSession(registry);
    const { session: other } = openSession(registry);
    const hash = registry.idTable.hash(session.idSlot);
    expect(registry.find(session.id)).toBe(session);
    expect(registry.findByHash(hash)).toBe(session);
    expect(registry.find(`${session.id}x`)).toBeUndefined();
    expect([...registry.all()]).toEqual([session, other]);
    expect(registry.size).toBe(2);
  });

  it('forgets a session that ended, wherever it was known', () => {
    const { session, socket } = openSession(registry);
    const hash = registry.idTable.hash(session.idSlot);
    registry.close(socket, 1000);
    expect(registry.find(session.id)).toBeUndefined();
    expect(registry.findByHash(hash)).toBeUndefined();
    expect(registry.page(undefined, 10)).toEqual({ sessions: [], total: 0 });
    expect(registry.size).toBe(0);
    expect(session.closed).toBe(true);
  });

  it('tells every observer of an arrival and of a departure, in order and once', () => {
    const second = new Diary(registry);
    registry.addListener(second);
    const { session, socket } = openSession(registry);
    registry.end(session, 4101);
    registry.end(session, 1000);
    registry.close(socket, 1006);
    expect(diary.lines).toEqual([`${session.id} arrived, found true`, `${session.id} departed 4101, found false`]);
    expect(second.lines).toEqual(diary.lines);
  });

  it('counts a session that ended without a word as cut', () => {
    const { session } = openSession(registry);
    registry.end(session);
    expect(diary.lines.at(-1)).toContain('departed 1006');
  });

  it('says nothing to a session that ended', async () => {
    const { session, connection } = openSession(registry);
    await turn();
    registry.end(session, 1000);
    session.send(textFrame('{"type":"too late"}'));
    registry.sendAll(textFrame('{"type":"to all"}'));
    await turn();
    expect(connection.envelopes.map(({ type }) => type)).toEqual(['sys.welcome']);
  });

  it('sends to everyone who is here', async () => {
    const all = [openSession(registry), openSession(registry), openSession(registry)];
    registry.sendAll(textFrame('{"type":"to all"}'));
    await turn();
    for (const { connection } of all)
      expect(connection.envelopes.map(({ type }) => type)).toEqual(['sys.welcome', 'to all']);
  });
});
