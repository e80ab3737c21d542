import { setImmediate as tick } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { textFrame } from '../../src/protocol/index.js';
import { LISTENER_PHASES, type SessionListener } from '../../src/sessions/session-listener.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession, WELCOME } from '../support/sessions.js';

/** Records each call, and whether the registry finds the session at that moment. */
class RecordingListener implements SessionListener {
  readonly lines: string[] = [];

  constructor(private readonly registry: SessionRegistry) {}

  opened(session: Session): void {
    this.lines.push(`${session.id} opened, found ${this.registry.find(session.id) === session}`);
  }

  closed(session: Session, code: number): void {
    this.lines.push(`${session.id} closed ${code}, found ${this.registry.find(session.id) === session}`);
  }
}

describe('the session registry', () => {
  let registry: SessionRegistry;
  let listener: RecordingListener;

  beforeEach(() => {
    registry = newRegistry();
    registry.addListener('hooks', (listener = new RecordingListener(registry)));
  });

  it('sends the welcome before any other frame', async () => {
    const { session, connection } = openSession(registry);
    session.send(textFrame('{"type":"later"}'));
    await tick();
    expect(connection.envelopes).toEqual([
      { type: 'sys.welcome', sender: 'server', receiver: session.id, data: WELCOME },
      { type: 'later' },
    ]);
  });

  it('sends the welcome before the frames of listeners', async () => {
    registry.addListener('directory', { opened: (session) => session.send(textFrame('{"type":"listener"}')) });
    const { connection } = openSession(registry);
    await tick();
    expect(connection.types).toEqual(['sys.welcome', 'listener']);
  });

  it('finds a session by its id and by the hash of the id', () => {
    const { session } = openSession(registry);
    const { session: other } = openSession(registry);
    const hash = registry.idTable.hash(session.idSlot);
    expect(registry.find(session.id)).toBe(session);
    expect(registry.findByHash(hash)).toBe(session);
    expect(registry.find(`${session.id}x`)).toBeUndefined();
    expect([...registry.all()]).toEqual([session, other]);
    expect(registry.size).toBe(2);
  });

  it('forgets a session that ended', () => {
    const { session } = openSession(registry);
    const hash = registry.idTable.hash(session.idSlot);
    registry.end(session, 1000);
    expect(registry.find(session.id)).toBeUndefined();
    expect(registry.findByHash(hash)).toBeUndefined();
    expect(registry.page(undefined, 10)).toEqual({ sessions: [], total: 0 });
    expect(registry.size).toBe(0);
    expect(session.closed).toBe(true);
  });

  it('calls every listener once for an opened and once for a closed session', () => {
    const second = new RecordingListener(registry);
    registry.addListener('hooks', second);
    const { session } = openSession(registry);
    registry.end(session, 4101);
    registry.end(session, 1000);
    registry.end(session, 1006);
    expect(listener.lines).toEqual([`${session.id} opened, found true`, `${session.id} closed 4101, found false`]);
    expect(second.lines).toEqual(listener.lines);
  });

  it('calls listeners in the order of their phases, whatever the order in which they were added', () => {
    const calls: string[] = [];
    for (const phase of LISTENER_PHASES.toReversed())
      registry.addListener(phase, {
        opened: () => calls.push(`opened ${phase}`),
        closed: () => calls.push(`closed ${phase}`),
      });
    registry.end(openSession(registry).session, 1000);
    expect(calls).toEqual([
      ...LISTENER_PHASES.map((phase) => `opened ${phase}`),
      ...LISTENER_PHASES.map((phase) => `closed ${phase}`),
    ]);
  });

  it('calls listeners of one phase in the order in which they were added', () => {
    const calls: number[] = [];
    for (const number of [1, 2, 3]) registry.addListener('limits', { opened: () => calls.push(number) });
    openSession(registry);
    expect(calls).toEqual([1, 2, 3]);
  });

  it('accepts listeners with one of the two methods', () => {
    const calls: string[] = [];
    registry.addListener('drain', { opened: () => calls.push('opened') });
    registry.addListener('limits', { closed: () => calls.push('closed') });
    registry.addListener('limits', {});
    registry.end(openSession(registry).session);
    expect(calls).toEqual(['opened', 'closed']);
  });

  it('calls every listener for `opened` before `closed` when the drain closes the session at once', () => {
    const { lines } = listener;
    registry.addListener('drain', { opened: (session) => registry.end(session, 1012) });
    const { session } = openSession(registry);
    expect(lines).toEqual([`${session.id} opened, found true`, `${session.id} closed 1012, found false`]);
  });

  it('is alone in ending sessions, so that no application ends one and leaves the connection open', () => {
    expect(Reflect.get(openSession(registry).session, 'end')).toBeUndefined();
  });

  it('counts a session that ended without a close code as 1006', () => {
    const { session } = openSession(registry);
    registry.end(session);
    expect(listener.lines.at(-1)).toContain('closed 1006');
  });

  it('sends nothing to a session that ended', async () => {
    const { session, connection } = openSession(registry);
    await tick();
    registry.end(session, 1000);
    session.send(textFrame('{"type":"too late"}'));
    await tick();
    expect(connection.types).toEqual(['sys.welcome']);
  });

  it('ends all sessions at one moment, after the frames that wait', () => {
    const all = [openSession(registry), openSession(registry), openSession(registry)];
    const sizes: number[] = [];
    registry.addListener('metrics', { closed: () => sizes.push(registry.size) });
    for (const { session } of all) session.send(textFrame('{"type":"last"}'));
    expect(registry.endAll(1012)).toEqual(all.map(({ session }) => session));
    expect(sizes).toEqual([0, 0, 0]);
    for (const { connection } of all) expect(connection.types).toEqual(['sys.welcome', 'last']);
  });

  it('closes some sessions at one moment and keeps the others', () => {
    const [one, two, other] = [openSession(registry), openSession(registry), openSession(registry)];
    const sizes: number[] = [];
    registry.addListener('metrics', { closed: () => sizes.push(registry.size) });
    registry.closeAll(4102, [one.session, two.session]);
    expect(sizes).toEqual([1, 1]);
    expect([one, two, other].map(({ connection }) => connection.closedWith)).toEqual([4102, 4102, undefined]);
    expect([...registry.all()]).toEqual([other.session]);
  });

  it('closes all others where one of many sessions cannot be written to', () => {
    const all = [openSession(registry), openSession(registry), openSession(registry)];
    const ended: string[] = [];
    registry.addListener('metrics', { closed: ({ id }) => ended.push(id) });
    all[0]!.session.outbox.flushAll = () => {
      throw new Error('a fault');
    };
    registry.closeAll(4102);
    expect(all.slice(1).map(({ connection }) => connection.closedWith)).toEqual([4102, 4102]);
    expect(ended.toSorted()).toEqual(all.map(({ session }) => session.id).toSorted());
    expect(registry.size).toBe(0);
  });

  it('sends a session that does not read nothing that it is owed', () => {
    const { session } = openSession(registry);
    const events: string[] = [];
    registry.addListener('notices', {
      closing: () => events.push('closing'),
      closed: (_, code) => events.push(`${code}`),
    });
    session.shed(4100);
    expect(events).toEqual(['4100']);
  });
});
