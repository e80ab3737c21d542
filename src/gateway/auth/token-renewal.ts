import { Injectable } from '@nestjs/common';
import { SystemRequestHandler } from '../../messaging/system-request-handler.js';
import { ackFrame, MessageError, type ServerRequest } from '../../protocol/index.js';
import type { Identity } from '../../sessions/identity.js';
import type { Session } from '../../sessions/session.js';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { logIncident } from '../../telemetry/incident.js';
import { Log } from '../../telemetry/log.js';
import { RenewedRights } from './renewed-rights.js';
import { TokenRefusal } from './token-refusal.js';
import { TokenVerifier, type VerifiedToken } from './token-verifier.js';

/** `retryAfterMs` of the error for a second token while one is being verified or applied. */
const RETRY_AFTER_MS = 1000;

/**
 * Answers `sys.auth`: replaces the token of a session before the old one expires. The session keeps its id, and loses the
 * rooms and watches that the new token does not allow. One token of a session is renewed at a time, because keys may have
 * to be fetched first, tokens are long, and a policy may be asked about many rooms.
 */
@Injectable()
export class TokenRenewal {
  /** Sessions whose new token is being verified or applied. */
  readonly #renewing = new WeakSet<Session>();

  constructor(
    private readonly tokenVerifier: TokenVerifier,
    private readonly renewedRights: RenewedRights,
    private readonly slowConsumers: SlowConsumers,
    private readonly log: Log,
    systemRequests: SystemRequestHandler,
  ) {
    systemRequests.register('sys.auth', (session, request) => {
      const token = tokenOf(request);
      const { id } = request;
      if (session.user === undefined || session.identity.byGuard === true)
        throw new MessageError('forbidden', 'This session has no token to renew.', id);
      if (this.#renewing.has(session)) throw MessageError.of('rate_limited', id, { retryAfterMs: RETRY_AFTER_MS });
      this.#renewing.add(session);
      return this.#renew(session, id, token);
    });
  }

  /**
   * Ends what the claims of a return do not allow, because they may be others, or none.
   *
   * @param former the identity before the return
   */
  returned(session: Session, former: Identity): void {
    if (session.claims === undefined && former.claims === undefined) return;
    this.renewedRights
      .recheck(session)
      .catch((error: unknown) => logIncident(this.log, error, { session: session.id, address: session.address }));
  }

  /** Resolves when the request is answered. A second token may come when the rights of this one have their effect. */
  async #renew(session: Session, id: string | undefined, token: string): Promise<void> {
    const { identity } = session;
    let applied = Promise.resolve();
    try {
      const verified = await this.#verify(session, token);
      if (session.closed) return;
      if (verified instanceof TokenRefusal) throw this.#refused(session, id, verified);
      if (verified.user !== session.user)
        throw this.#refused(session, id, new TokenRefusal('the token is of another user, see its claim "sub"'));
      // Otherwise the client has returned meanwhile, and the token of a return is newer.
      if (session.identity === identity) applied = this.renewedRights.apply(session, verified);
      if (id !== undefined) session.send(ackFrame(session.id, id, 'accepted'));
    } finally {
      void applied
        .catch((error: unknown) => logIncident(this.log, error, { session: session.id, type: 'sys.auth' }))
        .finally(() => this.#renewing.delete(session));
    }
  }

  /** Logs the reason, which the client is not sent, and returns the error for the client. */
  #refused({ id: session, address }: Session, id: string | undefined, refusal: TokenRefusal): MessageError {
    const { message: reason, retryAfterMs } = refusal;
    const code = retryAfterMs === undefined ? 'forbidden' : 'unavailable';
    this.log.info('token refused', { code, reason, session, address });
    if (retryAfterMs === undefined)
      return new MessageError('forbidden', 'The token is bad, expired or of another user.', id);
    const text = 'The token cannot be checked now. The session keeps its old one.';
    return new MessageError('unavailable', text, id, { retryAfterMs: Math.ceil(retryAfterMs) });
  }

  /** Counts the token for its session while it is being verified. */
  async #verify(session: Session, token: string): Promise<VerifiedToken | TokenRefusal> {
    this.slowConsumers.hold(session, token.length);
    try {
      return await this.tokenVerifier.verify(token);
    } finally {
      this.slowConsumers.release(session, token.length);
    }
  }
}

/** @throws {MessageError} `invalid_message` when `data` is not exactly `{ "token": string }` */
function tokenOf({ data, id }: ServerRequest): string {
  const body: unknown = data === undefined ? undefined : JSON.parse(data);
  const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
  if (typeof token !== 'string' || Object.keys(body as object).length > 1)
    throw new MessageError('invalid_message', 'data must be an object with the one field token, a string', id);
  return token;
}
