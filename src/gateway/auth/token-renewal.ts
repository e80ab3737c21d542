import { Injectable } from '@nestjs/common';
import { ackFrame, MessageError, type Envelope } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { HandlerReplies } from '../dispatch/handler-replies.js';
import { TokenExpiry } from './token-expiry.js';
import { TokenVerifier } from './token-verifier.js';

/** Answers `sys.auth`: a session shows a new token before the old one ends, and goes on under its id. */
@Injectable()
export class TokenRenewal {
  constructor(
    private readonly tokenVerifier: TokenVerifier,
    private readonly expiry: TokenExpiry,
    private readonly replies: HandlerReplies,
  ) {}

  /** @throws {MessageError} `invalid_message` for a body without a token, `forbidden` where no token was shown at first */
  renew(session: Session, envelope: Envelope): void {
    const token = tokenOf(envelope);
    if (session.user === undefined)
      throw new MessageError('forbidden', 'This session has no token to renew.', envelope.id);
    void this.#renew(session, envelope, token);
  }

  async #renew(session: Session, envelope: Envelope, token: string): Promise<void> {
    const proof = await this.tokenVerifier.verify(token);
    const { identity } = session;
    if (session.closed) return;
    if (proof === undefined || proof.user !== identity.user) {
      const message = 'The token is bad, expired or of another user.';
      return this.replies.failed(session, envelope, new MessageError('forbidden', message, envelope.id));
    }
    this.expiry.forget(session);
    identity.claims = proof.claims;
    identity.expiresAt = proof.expiresAt;
    this.expiry.watch(session);
    if (envelope.id !== undefined) session.send(ackFrame(session.id, envelope.id, 'accepted'));
  }
}

function tokenOf({ data, id }: Envelope): string {
  const body: unknown = data === undefined ? undefined : JSON.parse(data);
  const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
  if (typeof token !== 'string' || Object.keys(body as object).length > 1)
    throw new MessageError('invalid_message', 'data must be an object with the one field token, a string', id);
  return token;
}
