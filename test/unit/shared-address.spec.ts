import { beforeEach, describe, expect, it } from 'vitest';
import { SharedAddress } from '../../src/gateway/handshake/shared-address.js';
import { welcomeFrame } from '../../src/protocol/index.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log, type LogFields } from '../../src/telemetry/log.js';
import { makeResumable } from '../support/resumable.js';
import { FakeConnection, IDENTITY, newRegistry, WELCOME } from '../support/sessions.js';

const GATEWAY = '172.18.0.1';
const HOME = '203.0.113.7';
const MIN_SESSIONS = 50;
const RESUME_BYTES = 10_000;

describe('the sessions that are counted by their private address', () => {
  let registry: SessionRegistry;
  let warnings: LogFields[];

  beforeEach(() => {
    warnings = [];
    const sink = { writeLine: (_: string, __: string, fields: LogFields) => void warnings.push(fields) };
    void new SharedAddress((registry = newRegistry()), new Log(readSettings({}), sink));
  });

  function open(address: string): Session {
    const session = registry.create({ ...IDENTITY, address });
    makeResumable(session, RESUME_BYTES);
    session.attach(new FakeConnection());
    registry.open(session, welcomeFrame(session.id, WELCOME));
    return session;
  }

  const openAll = (count: number, address: string): Session[] => Array.from({ length: count }, () => open(address));

  function comeBack(session: Session, address: string): void {
    session.identity = { ...session.identity, address };
    registry.resume(session, new FakeConnection(), welcomeFrame(session.id, WELCOME));
  }

  function move(session: Session, address: string): void {
    registry.lose(session, session.connection!, 1006);
    comeBack(session, address);
  }

  it('are those that have come back from there', () => {
    const sessions = openAll(MIN_SESSIONS, HOME);
    for (const session of sessions.slice(1)) move(session, GATEWAY);
    expect(warnings).toEqual([{ address: GATEWAY, sessions: MIN_SESSIONS }]);
  });

  it('are not those that have come back from another address', () => {
    for (const session of openAll(MIN_SESSIONS - 1, GATEWAY)) move(session, HOME);
    open(GATEWAY);
    expect(warnings).toEqual([]);
  });

  it('are not those that are away or have ended', () => {
    const [away, ended] = [openAll(MIN_SESSIONS / 2, GATEWAY), openAll(MIN_SESSIONS / 2 - 1, GATEWAY)];
    for (const session of away) registry.lose(session, session.connection!, 1006);
    for (const session of [...away.slice(0, 10), ...ended]) registry.end(session, 1000);
    openAll(MIN_SESSIONS - 1, GATEWAY);
    expect(warnings).toEqual([]);
    open(GATEWAY);
    expect(warnings).toEqual([{ address: GATEWAY, sessions: MIN_SESSIONS }]);
  });

  it('are those of a former process once their clients have come back', () => {
    const former = newRegistry();
    const sessions = Array.from({ length: MIN_SESSIONS }, () => {
      const from = former.create({ ...IDENTITY, address: HOME });
      makeResumable(from, RESUME_BYTES);
      return registry.restore(from.id, from.identity, from.resumption!, from.openedAtMs)!;
    });
    registry.end(sessions[0]!, 1006);
    open(HOME);
    for (const session of sessions.slice(1)) comeBack(session, GATEWAY);
    expect(warnings).toEqual([{ address: GATEWAY, sessions: MIN_SESSIONS }]);
  });
});
