import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RenewedRights } from '../../src/gateway/auth/renewed-rights.js';
import { TokenExpiry } from '../../src/gateway/auth/token-expiry.js';
import { TokenRenewal } from '../../src/gateway/auth/token-renewal.js';
import type { TokenVerifier, VerifiedToken } from '../../src/gateway/auth/token-verifier.js';
import type { GroupPermissions } from '../../src/groups/group-permissions.js';
import { RememberedAnswers } from '../../src/messaging/remembered-answers.js';
import { SystemRequestHandler } from '../../src/messaging/system-request-handler.js';
import type { Presence } from '../../src/presence/presence.js';
import { welcomeFrames } from '../../src/protocol/index.js';
import type { Identity } from '../../src/sessions/identity.js';
import { Log } from '../../src/telemetry/log.js';
import { Deferred } from '../support/deferred.js';
import { Groups } from '../support/groups.js';
import { kept } from '../support/resumable.js';
import { FakeConnection, IDENTITY, WELCOME, type FakeSession } from '../support/sessions.js';

const welcomeFrame = welcomeFrames(WELCOME);
const START_S = 1_000_000;
/** Seconds for which the tokens of a test are valid: the first one, the renewed one, and the one of a return. */
const [FIRST_S, RENEWED_S, RETURNED_S] = [60, 120, 600];

const identityOf = (seconds: number): Identity => ({
  ...IDENTITY,
  user: 'ann',
  claims: { seconds },
  expiresAt: START_S + seconds,
});

describe('a token of sys.auth, which takes a time to verify,', () => {
  let groups: Groups;
  let expiry: TokenExpiry;
  let requests: SystemRequestHandler;
  let verified: Deferred<VerifiedToken>;
  let ann: FakeSession;
  let answered: Promise<void> | undefined;

  beforeEach(() => {
    vi.useFakeTimers({ now: START_S * 1000, toFake: ['Date', 'setInterval', 'clearInterval'] });
    groups = new Groups({ AUTH_SKEW_MS: '0' });
    const { registry, settings, rooms } = groups;
    expiry = new TokenExpiry(registry, settings);
    requests = new SystemRequestHandler(groups.directory, settings);
    verified = new Deferred();
    const verifier = { verify: () => verified.promise } as unknown as TokenVerifier;
    const presence = { recheck: () => undefined } as unknown as Presence;
    const permissions = { mayStay: () => true } as unknown as GroupPermissions;
    const rights = new RenewedRights(expiry, new RememberedAnswers(), permissions, rooms, presence);
    void new TokenRenewal(verifier, rights, registry.slowConsumers, new Log(settings), requests);
    ann = groups.openResumable();
    ann.session.identity = identityOf(FIRST_S);
    expiry.watch(ann.session);
    const request = { type: 'sys.auth', id: 'r', receiver: undefined, data: '{"token":"x"}' };
    answered = requests.answer(ann.session, request);
  });
  afterEach(() => {
    expiry.onApplicationShutdown();
    vi.useRealTimers();
  });

  const lose = (): void => groups.registry.lose(ann.session, ann.connection, 1006);
  async function verify(): Promise<void> {
    verified.resolve({ user: 'ann', claims: { seconds: RENEWED_S }, expiresAt: START_S + RENEWED_S });
    await answered;
  }
  /** Returns by a token that is valid for so many seconds. */
  function comeBack(seconds: number): FakeConnection {
    const connection = new FakeConnection();
    ann.session.identity = identityOf(seconds);
    groups.registry.resume(ann.session, connection, welcomeFrame(ann.session.id));
    return connection;
  }

  it('does not close the connection of a later return that brought another one', async () => {
    lose();
    await verify();
    const connection = comeBack(RETURNED_S);
    vi.advanceTimersByTime((RENEWED_S + 1) * 1000);
    expect(connection.closedWith).toBeUndefined();
    vi.advanceTimersByTime((RETURNED_S - RENEWED_S) * 1000);
    expect(connection.closedWith).toBe(4102);
  });

  it('leaves no timer behind where the session ended while it was away', async () => {
    lose();
    await verify();
    expect(ann.session.claims).toEqual({ seconds: RENEWED_S });
    groups.registry.end(ann.session);
    vi.advanceTimersByTime((RENEWED_S + 1) * 1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('changes nothing where the client has returned with another one, and is accepted', async () => {
    lose();
    comeBack(RETURNED_S);
    await verify();
    expect(ann.session.identity).toEqual(identityOf(RETURNED_S));
    expect(kept(ann.session)).toMatchObject([{ type: 'sys.ack', ref: 'r', data: { status: 'accepted' } }]);
  });

  it('is that of the session where the connection was not lost', async () => {
    await verify();
    vi.advanceTimersByTime((FIRST_S + 1) * 1000);
    expect(ann.connection.closedWith).toBeUndefined();
    vi.advanceTimersByTime((RENEWED_S - FIRST_S) * 1000);
    expect(ann.connection.closedWith).toBe(4102);
  });

  it('expires once', async () => {
    await verify();
    vi.advanceTimersByTime((RENEWED_S + 1) * 1000);
    ann.connection.closedWith = undefined;
    vi.advanceTimersByTime(5000);
    expect([ann.connection.closedWith, vi.getTimerCount()]).toEqual([undefined, 0]);
  });
});
