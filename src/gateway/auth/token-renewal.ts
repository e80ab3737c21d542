import { Injectable } from '@nestjs/common';
import { SystemRequestHandler } from '../../messaging/system-request-handler.js';
import { ackFrame, MessageError, type Envelope } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { TokenExpiry } from './token-expiry.js';
import { TokenVerifier } from './token-verifier.js';

/** Answers `sys.auth`: replaces the token of a session before the old one expires. The session keeps its id. */
@Injectable()
export class TokenRenewal {
  constructor(
    private readonly tokenVerifier: TokenVerifier,
    private readonly expiry: TokenExpiry,
    systemRequests: SystemRequestHandler,
  ) {
    systemRequests.register('sys.auth', (session, envelope) => {
      const token = tokenOf(envelope);
      if (session.user === undefined)
        throw new MessageError('forbidden', 'This session has no token to renew.', envelope.id);
      return this.#renew(session, envelope, token);
    });
  }

  async #renew(session: Session, { id }: Envelope, token: string): Promise<void> {
    const verified = await this.tokenVerifier.verify(token);
    const { identity } = session;
    if (session.closed) return;
    if (verified === undefined || verified.user !== identity.user)
      throw new MessageError('forbidden', 'The token is bad, expired or of another user.', id);
    this.expiry.forget(session);
    identity.claims = verified.claims;
    identity.expiresAt = verified.expiresAt;
    this.expiry.watch(session);
    if (id !== undefined) session.send(ackFrame(session.id, id, 'accepted'));
  }
}

/** @throws {MessageError} `invalid_message` when `data` is not exactly `{ "token": string }` */
function tokenOf({ data, id }: Envelope): string {
  const body: unknown = data === undefined ? undefined : JSON.parse(data);
  const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
  if (typeof token !== 'string' || Object.keys(body as object).length > 1)
    throw new MessageError('invalid_message', 'data must be an object with the one field token, a string', id);
  return token;
}
