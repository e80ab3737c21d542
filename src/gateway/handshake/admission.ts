import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Identity } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { ClientAddress, rateLimitKey } from './client-address.js';
import { provenSubject } from './client-certificate.js';
import { connectionsByDescriptors } from './descriptors.js';
import { HandshakeRateLimiter } from './handshake-rate-limiter.js';
import { OriginPolicy } from './origin-policy.js';
import type { HandshakeRejection } from './rejection.js';
import { ConnectionCounter } from '../../limits/connection-counter.js';
import { TokenVerifier } from '../auth/token-verifier.js';

/** Seconds after which a connection may have ended and its seat be free. */
const RETRY_AFTER_SECONDS = 5;
const FULL: HandshakeRejection = { code: 'full', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
const TOO_MANY: HandshakeRejection = { code: 'too_many_connections', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };

/**
 * Who may come in, in the contract's order: room, address, origin, token, user. Whoever is let in holds seats until
 * {@link release}, which a session's end does by itself.
 */
@Injectable()
export class Admission {
  readonly #most: number;
  readonly #ofAddress: ConnectionCounter;
  readonly #ofUser: ConnectionCounter;
  readonly #rate: HandshakeRateLimiter;
  /** Seats in all, from the first look at a handshake to the end of its session. */
  #taken = 0;

  constructor(
    private readonly addresses: ClientAddress,
    private readonly origins: OriginPolicy,
    private readonly tokenVerifier: TokenVerifier,
    settings: Settings,
    sessions: SessionRegistry,
  ) {
    this.#most = settings.maxConnections ?? connectionsByDescriptors();
    this.#ofAddress = new ConnectionCounter(settings.maxConnectionsPerAddress);
    this.#ofUser = new ConnectionCounter(settings.maxConnectionsPerUser);
    this.#rate = new HandshakeRateLimiter(settings.handshakesPerSecond);
    sessions.addListener({
      opened: () => undefined,
      closed: ({ socket: { identity } }) => {
        if (identity !== undefined) this.release(identity);
      },
    });
  }

  /** Lets a handshake in or says why not; must wait only where a token is to be verified. */
  admit(request: IncomingMessage): Identity | HandshakeRejection | Promise<Identity | HandshakeRejection> {
    const address = this.addresses.resolve(request);
    const key = rateLimitKey(address);
    const refusal = this.#crowded(key);
    if (refusal !== undefined) return refusal;
    const stranger = this.origins.refusal(request);
    if (stranger !== undefined) return this.#turnAway(key, stranger);
    const subject = provenSubject(request, this.addresses);
    const token = this.tokenVerifier.presented(request);
    // Written out: a spread costs as much as all checks above.
    if (token === undefined) return { address, subject, user: undefined, claims: undefined, expiresAt: undefined };
    return token.then((proof) => {
      if ('code' in proof) return this.#turnAway(key, proof);
      if (!this.#ofUser.acquire(proof.user)) return this.#turnAway(key, TOO_MANY);
      return { address, subject, ...proof };
    });
  }

  /** Gives back the seats of whoever was let in and is gone. */
  release({ address, user }: Identity): void {
    this.#taken--;
    this.#ofAddress.release(rateLimitKey(address));
    if (user !== undefined) this.#ofUser.release(user);
  }

  /** Takes the seats of one more connection, unless there is none for it. */
  #crowded(key: string): HandshakeRejection | undefined {
    if (this.#most > 0 && this.#taken >= this.#most) return FULL;
    const waitMs = this.#rate.take(key, performance.now());
    if (waitMs > 0) return { ...TOO_MANY, headers: { 'Retry-After': Math.ceil(waitMs / 1000) } };
    if (!this.#ofAddress.acquire(key)) return TOO_MANY;
    this.#taken++;
    return undefined;
  }

  #turnAway(key: string, rejection: HandshakeRejection): HandshakeRejection {
    this.#taken--;
    this.#ofAddress.release(key);
    return rejection;
  }
}
