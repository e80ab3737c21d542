import { Injectable } from '@nestjs/common';
import { SystemRequestHandler } from '../../messaging/system-request-handler.js';
import { ackFrame, MessageError, type ServerRequest } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { Log } from '../../telemetry/log.js';
import { TokenExpiry } from './token-expiry.js';
import { TokenRefusal } from './token-refusal.js';
import { TokenVerifier, type VerifiedToken } from './token-verifier.js';

/** `retryAfterMs` of the error for a second token while one is being verified. */
const RETRY_AFTER_MS = 1000;

/**
 * Answers `sys.auth`: replaces the token of a session before the old one expires. The session keeps its id. One token
 * of a session is verified at a time, because keys may have to be fetched first and tokens are long.
 */
@Injectable()
export class TokenRenewal {
  /** Sessions whose new token is being verified. */
  readonly #verifying = new WeakSet<Session>();

  constructor(
    private readonly tokenVerifier: TokenVerifier,
    private readonly expiry: TokenExpiry,
    private readonly slowConsumers: SlowConsumers,
    private readonly log: Log,
    systemRequests: SystemRequestHandler,
  ) {
    systemRequests.register('sys.auth', (session, request) => {
      const token = tokenOf(request);
      const { id } = request;
      if (session.user === undefined || session.identity.byGuard === true)
        throw new MessageError('forbidden', 'This session has no token to renew.', id);
      if (this.#verifying.has(session)) throw MessageError.of('rate_limited', id, { retryAfterMs: RETRY_AFTER_MS });
      return this.#renew(session, id, token);
    });
  }

  async #renew(session: Session, id: string | undefined, token: string): Promise<void> {
    const verified = await this.#verify(session, token);
    const { identity } = session;
    if (session.closed) return;
    if (verified instanceof TokenRefusal) throw this.#refused(session, id, verified);
    if (verified.user !== identity.user)
      throw this.#refused(session, id, new TokenRefusal('the token is of another user, see its claim "sub"'));
    this.expiry.forget(session);
    identity.claims = verified.claims;
    identity.expiresAt = verified.expiresAt;
    this.expiry.watch(session);
    if (id !== undefined) session.send(ackFrame(session.id, id, 'accepted'));
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
    this.#verifying.add(session);
    this.slowConsumers.hold(session, token.length);
    try {
      return await this.tokenVerifier.verify(token);
    } finally {
      this.slowConsumers.release(session, token.length);
      this.#verifying.delete(session);
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
