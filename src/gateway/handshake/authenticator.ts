import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Identity } from '../../sessions/identity.js';
import { TokenRefusal } from '../auth/token-refusal.js';
import { TokenVerifier, type VerifiedToken } from '../auth/token-verifier.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { ClientAddress } from './client-address.js';
import { ConnectCheck } from './connect-check.js';

const UNAUTHORIZED: HandshakeRejection = { code: 'unauthorized', headers: { 'WWW-Authenticate': 'Bearer' } };

/** An identity, a rejection, or `undefined` where the client has left meanwhile. */
export type Authentication = Identity | HandshakeRejection | undefined;

/** Identifies the client of a handshake: by its token, then by the `ConnectGuard` of the application. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly addresses: ClientAddress,
    private readonly tokenVerifier: TokenVerifier,
    private readonly connectCheck: ConnectCheck,
  ) {}

  /** Returns whether a token or the guard may give the client of a handshake a user. */
  mayIdentify(request: IncomingMessage): boolean {
    return this.connectCheck.isOn || this.tokenVerifier.presents(request);
  }

  /** Returns a promise only where there is a token or a guard. The promise never rejects. */
  authenticate(request: IncomingMessage, address: string): Identity | Promise<Authentication> {
    const subject = this.addresses.certificateSubject(request);
    const verification = this.tokenVerifier.verifyHandshake(request);
    // Fields one by one, because an object spread costs as much as all checks before.
    if (verification === undefined && !this.connectCheck.isOn)
      return { address, subject, user: undefined, claims: undefined, expiresAt: undefined, byGuard: false };
    return this.#authenticate(request, { address, subject }, verification);
  }

  async #authenticate(
    request: IncomingMessage,
    client: Pick<Identity, 'address' | 'subject'>,
    verification: Promise<VerifiedToken | TokenRefusal> | undefined,
  ): Promise<Authentication> {
    const token = await verification;
    if (token instanceof TokenRefusal) return rejectionOf(token);
    const { user, claims, expiresAt } = token ?? {};
    if (!this.connectCheck.isOn) return { ...client, user, claims, expiresAt, byGuard: false };
    const { address, subject: certificateSubject } = client;
    const result = await this.connectCheck.run({ request, address, certificateSubject, user, claims, expiresAt });
    return result === undefined || 'code' in result ? result : { ...client, ...result };
  }
}

/** Answers 503 where the token may be good, because a client that gets 401 would throw it away. */
function rejectionOf({ retryAfterMs, message: reason }: TokenRefusal): HandshakeRejection {
  if (retryAfterMs === undefined) return { ...UNAUTHORIZED, reason };
  return { code: 'unavailable', headers: { 'Retry-After': Math.ceil(retryAfterMs / 1000) }, reason };
}
