import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Identity } from '../sessions/identity.js';
import { Settings } from '../settings/settings.js';
import { Tally } from '../telemetry/tally.js';
import { ClientAddress, limitKey } from './client-address.js';
import { provenSubject } from './client-certificate.js';
import { connectionsByDescriptors } from './descriptors.js';
import { HandshakeRate } from './handshake-rate.js';
import { OriginRule } from './origin.js';
import type { Refusal } from './refuse.js';
import { Seats } from './seats.js';
import { Tokens } from './tokens.js';

/** Seconds after which a connection may have ended and its seat be free. */
const RETRY_AFTER_SECONDS = 5;
const FULL: Refusal = { code: 'full', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
const TOO_MANY: Refusal = { code: 'too_many_connections', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };

/**
 * Who may come in, in the contract's order: room, address, origin, token, user. Whoever is let in holds seats until
 * {@link leave}, which a session's end does by itself.
 */
@Injectable()
export class Admission {
  readonly #most: number;
  readonly #ofAddress: Seats;
  readonly #ofUser: Seats;
  readonly #rate: HandshakeRate;
  /** Seats in all, from the first look at a handshake to the end of its session. */
  #taken = 0;

  constructor(
    @Inject(ClientAddress) private readonly addresses: ClientAddress,
    @Inject(OriginRule) private readonly origins: OriginRule,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Settings) settings: Settings,
    @Inject(SessionRegistry) sessions: SessionRegistry,
  ) {
    this.#most = settings.maxConnections ?? connectionsByDescriptors();
    this.#ofAddress = new Seats(settings.maxConnectionsPerAddress);
    this.#ofUser = new Seats(settings.maxConnectionsPerUser);
    this.#rate = new HandshakeRate(settings.handshakesPerSecond);
    sessions.observe({
      arrived: () => undefined,
      departed: ({ socket: { identity } }) => {
        if (identity !== undefined) this.leave(identity);
      },
    });
  }

  /** Lets a handshake in or says why not; must wait only where a token is to be verified. */
  enter(request: IncomingMessage): Identity | Refusal | Promise<Identity | Refusal> {
    const address = this.addresses.of(request);
    const key = limitKey(address);
    const refusal = this.#crowded(key);
    if (refusal !== undefined) return counted(refusal);
    const stranger = this.origins.refusal(request);
    if (stranger !== undefined) return counted(this.#turnAway(key, stranger));
    const subject = provenSubject(request, this.addresses);
    const token = this.tokens.presented(request);
    // Written out: a spread costs as much as all checks above.
    if (token === undefined) return { address, subject, user: undefined, claims: undefined, expiresAt: undefined };
    return token.then((proof) => {
      if ('code' in proof) return counted(this.#turnAway(key, proof));
      if (!this.#ofUser.take(proof.user)) return counted(this.#turnAway(key, TOO_MANY));
      return { address, subject, ...proof };
    });
  }

  /** Gives back the seats of whoever was let in and is gone. */
  leave({ address, user }: Identity): void {
    this.#taken--;
    this.#ofAddress.give(limitKey(address));
    if (user !== undefined) this.#ofUser.give(user);
  }

  /** Takes the seats of one more connection, unless there is none for it. */
  #crowded(key: string): Refusal | undefined {
    if (this.#most > 0 && this.#taken >= this.#most) return FULL;
    const waitMs = this.#rate.take(key, performance.now());
    if (waitMs > 0) return { ...TOO_MANY, headers: { 'Retry-After': Math.ceil(waitMs / 1000) } };
    if (!this.#ofAddress.take(key)) return TOO_MANY;
    this.#taken++;
    return undefined;
  }

  #turnAway(key: string, refusal: Refusal): Refusal {
    this.#taken--;
    this.#ofAddress.give(key);
    return refusal;
  }
}

function counted(refusal: Refusal): Refusal {
  Tally.count(`refused.${refusal.code}`);
  return refusal;
}
