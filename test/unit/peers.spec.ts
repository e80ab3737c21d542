import { beforeEach, describe, expect, it } from 'vitest';
import { Peers, type SessionRef } from '../../src/messaging/peers.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

describe('peers', () => {
  let registry: SessionRegistry;
  let peers: Peers;
  const newSession = (): Session => openSession(registry).session;
  const forget = (session: SessionRef): SessionRef[] => [...peers.forget(session)];

  beforeEach(() => {
    registry = newRegistry();
    peers = new Peers();
  });

  it('are the sessions that exchanged a message, in either direction', () => {
    const [alice, bob, carol] = [newSession(), newSession(), newSession()];
    peers.record(alice, bob);
    peers.record(carol, alice);
    peers.record(alice, bob);
    expect(forget(alice)).toEqual([bob, carol]);
  });

  it('are none for a session that exchanged no message', () => {
    expect(forget(newSession())).toEqual([]);
  });

  it('are forgotten on both sides when one departs', () => {
    const [alice, bob] = [newSession(), newSession()];
    peers.record(alice, bob);
    expect(forget(alice)).toEqual([bob]);
    expect(forget(bob)).toEqual([]);
  });

  it('are 256 at most; the oldest is forgotten first, on both sides', () => {
    const star = newSession();
    const others = Array.from({ length: 300 }, newSession);
    for (const other of others) peers.record(star, other);
    expect(forget(others[0]!)).toEqual([]);
    expect(forget(others[43]!)).toEqual([]);
    expect(forget(others[44]!)).toEqual([star]);
    expect(forget(star)).toEqual(others.slice(45));
  });
});
