import { beforeEach, describe, expect, it } from 'vitest';
import { Peers, type Peer } from '../../src/messaging/peers.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { newRegistry, openSession } from '../support/sessions.js';

describe('peers', () => {
  let registry: SessionRegistry;
  let peers: Peers;
  const newSession = (): Session => openSession(registry).session;
  const met = (session: Peer): Peer[] => [...peers.forget(session)];

  beforeEach(() => {
    registry = newRegistry();
    peers = new Peers();
  });

  it('are those who exchanged a message, whoever sent it', () => {
    const [alice, bob, carol] = [newSession(), newSession(), newSession()];
    peers.record(alice, bob);
    peers.record(carol, alice);
    peers.record(alice, bob);
    expect(met(alice)).toEqual([bob, carol]);
  });

  it('are nobody for a session that met nobody', () => {
    expect(met(newSession())).toEqual([]);
  });

  it('are forgotten on both sides when one leaves', () => {
    const [alice, bob] = [newSession(), newSession()];
    peers.record(alice, bob);
    expect(met(alice)).toEqual([bob]);
    expect(met(bob)).toEqual([]);
  });

  it('are 256 at the most: the one met first is forgotten first, by both', () => {
    const star = newSession();
    const others = Array.from({ length: 300 }, newSession);
    for (const other of others) peers.record(star, other);
    expect(met(others[0]!)).toEqual([]);
    expect(met(others[43]!)).toEqual([]);
    expect(met(others[44]!)).toEqual([star]);
    expect(met(star)).toEqual(others.slice(45));
  });
});
