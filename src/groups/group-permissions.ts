import { Injectable } from '@nestjs/common';
import { MessageAccess } from '../messaging/message-access.js';
import { wrongVerdict } from '../messaging/chosen-policy.js';
import { ROOM_PREFIX } from '../protocol/index.js';
import type { TokenClaims } from '../sessions/identity.js';
import type { Session } from '../sessions/session.js';
import type { GroupAccess } from '../settings/access-settings.js';
import { Settings } from '../settings/settings.js';
import { logIncident } from '../telemetry/incident.js';
import { Log } from '../telemetry/log.js';
import { ClaimRights, type Right } from './claim-rights.js';
import { ServerMemberships } from './server-memberships.js';

/** The claim of a token that says what its session may do with rooms and users. */
const CLAIM = 'switchboard';

/**
 * Decides which sessions may join, see and send to rooms and users: by the `AccessPolicy` of the application where it has a
 * method for the question, else by the claim `switchboard` of the session, else by `ROOMS` and `USERS`. Server code is not
 * checked.
 */
@Injectable()
export class GroupPermissions {
  readonly #rooms: GroupAccess;
  readonly #users: GroupAccess;
  readonly #allOpen: boolean;
  readonly #timeoutMs: number;
  /** By the claims of a session, which another token replaces. */
  readonly #rights = new WeakMap<TokenClaims, ClaimRights>();

  constructor(
    private readonly access: MessageAccess,
    private readonly log: Log,
    private readonly serverMemberships: ServerMemberships,
    { rooms, users, handlerTimeoutMs }: Settings,
  ) {
    this.#rooms = rooms;
    this.#users = users;
    this.#allOpen = rooms === 'open' && users === 'open';
    this.#timeoutMs = handlerTimeoutMs;
  }

  /**
   * Decides about a message to a user or a room. Always `true` with a policy, because `MessageAccess` has asked it.
   *
   * @param target `@USER` or `#ROOM`
   */
  maySend(session: Session, target: string): boolean {
    if (this.access.policy !== undefined) return true;
    return (session.identity.claims === undefined && this.#allOpen) || this.#mayByToken(session, target, 'send');
  }

  /**
   * Decides about a message of a session that is no member of the room, once {@link maySend} is `true`. Only a policy allows
   * such a message.
   *
   * @param room name without `#`
   * @throws what the policy throws, and a `TypeError` where it returns no verdict
   */
  maySendFromOutside(session: Session, room: string, type: string): boolean {
    const { policy } = this.access;
    if (policy?.maySendFromOutside === undefined) return false;
    const verdict: unknown = policy.maySendFromOutside(session, room, type);
    if (typeof verdict === 'boolean') return verdict;
    throw wrongVerdict(policy, 'maySendFromOutside', verdict);
  }

  /**
   * Decides about a request to join a room, by the token that the session has now; see `decide`. Never throws: a promise
   * rejects with what the policy has thrown, with a `TypeError` where it returned no verdict, or with an `Error` after
   * `HANDLER_TIMEOUT_MS`.
   *
   * @param room name without `#`
   */
  mayJoin(session: Session, room: string): boolean | Promise<boolean> {
    return this.access.policy?.mayJoin === undefined
      ? this.#mayByToken(session, ROOM_PREFIX + room, 'join')
      : this.#ask(session, 'mayJoin', room);
  }

  /**
   * Decides about a request to list the members of a room, or to list or watch the sessions of a user. Fails as
   * {@link mayJoin}.
   *
   * @param target `@USER` or `#ROOM`
   */
  maySee(session: Session, target: string): boolean | Promise<boolean> {
    return this.access.policy?.maySee === undefined
      ? this.#mayByToken(session, target, 'see')
      : this.#ask(session, 'maySee', target);
  }

  /**
   * Decides whether a session whose token was renewed stays in a room: where server code has put it there, or as
   * {@link mayJoin}. A policy that fails is logged, and is a no.
   *
   * @param room name without `#`
   */
  mayStay(session: Session, room: string): boolean | Promise<boolean> {
    const isPlaced = (): boolean => this.serverMemberships.has(session, room);
    if (isPlaced()) return true;
    const { claims } = session;
    const verdict = this.mayJoin(session, room);
    if (typeof verdict === 'boolean') return verdict;
    const isCurrent = (): boolean => session.closed || session.claims === claims;
    return verdict.then(
      (may) => isPlaced() || (isCurrent() ? may : this.mayStay(session, room)),
      (error: unknown) => {
        logIncident(this.log, error, { hook: 'AccessPolicy.mayJoin', session: session.id });
        return isPlaced();
      },
    );
  }

  /** Decides by the claim, or by the settings where there is no claim. */
  #mayByToken(session: Session, target: string, right: Right): boolean {
    const { claims } = session.identity;
    if (claims !== undefined && Object.hasOwn(claims, CLAIM) && claims[CLAIM] !== undefined)
      return this.#rightsOf(session, claims).has(target, right);
    const access = target.startsWith(ROOM_PREFIX) ? this.#rooms : this.#users;
    return access === 'open' || (access === 'token' && session.user !== undefined);
  }

  /** Reads a claim once, and logs what is wrong with it. */
  #rightsOf({ id, address }: Session, claims: TokenClaims): ClaimRights {
    let rights = this.#rights.get(claims);
    if (rights !== undefined) return rights;
    this.#rights.set(claims, (rights = new ClaimRights(claims[CLAIM])));
    const { problem } = rights;
    if (problem !== undefined)
      this.log.warn('malformed claim switchboard grants nothing in its malformed parts: correct the tokens', {
        reason: problem,
        session: id,
        address,
      });
    return rights;
  }

  /** Asks a policy that may answer later. */
  #ask(session: Session, method: 'mayJoin' | 'maySee', about: string): boolean | Promise<boolean> {
    try {
      const verdict: unknown = this.access.policy![method]!(session, about);
      return typeof verdict === 'boolean' ? verdict : this.#awaited(method, verdict);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #awaited(method: 'mayJoin' | 'maySee', pending: unknown): Promise<boolean> {
    const verdict = await within(this.#timeoutMs, `AccessPolicy.${method}`, pending);
    if (typeof verdict === 'boolean') return verdict;
    throw wrongVerdict(this.access.policy!, method, verdict);
  }
}

/** Settles as `pending` does, or rejects after a time. */
function within(limitMs: number, work: string, pending: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const expired = (): void => reject(new Error(`${work} exceeded HANDLER_TIMEOUT_MS, ${limitMs} ms`));
    const timer = setTimeout(expired, limitMs).unref();
    void Promise.resolve(pending)
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
}
