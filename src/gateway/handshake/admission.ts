import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { AddressRateLimiter } from '../../limits/address-rate-limiter.js';
import type { NoReturnReason } from '../../protocol/index.js';
import type { ResumeDecision } from '../../resume/resumptions.js';
import type { Identity } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { Authenticator, type Authentication } from './authenticator.js';
import { ClientAddress, rateLimitKey } from './client-address.js';
import { comesBack, ConnectionPlaces, type AdmittedClient, type ClosedAdmission } from './connection-places.js';
import { OriginPolicy } from './origin-policy.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { ReturnOffers, type RemoteReturn } from '../returns/return-offers.js';
import { isThenable } from '../thenable.js';

/** `Retry-After` of a rejection for capacity, because a connection may have closed by then. */
const RETRY_AFTER_SECONDS = 5;
export const FULL: HandshakeRejection = { code: 'full', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
export const TOO_MANY: HandshakeRejection = {
  code: 'too_many_connections',
  headers: { 'Retry-After': RETRY_AFTER_SECONDS },
};

/** The result where no other node is asked: a client gets its session, is closed, or is rejected by the HTTP response. */
export type LocalAdmission = AdmittedClient | ClosedAdmission | HandshakeRejection;

/** The result of admission. The session of an admitted client may be on another node. */
export type AdmissionResult = LocalAdmission | RemoteReturn;

/**
 * Admits handshakes: checks capacity, the rate of the address, origin, token, the application's own check, and the limits
 * of user or address, in this order. An admitted handshake is counted by {@link ConnectionPlaces} until {@link release},
 * which the end of its session calls.
 */
@Injectable()
export class Admission {
  readonly #rate: AddressRateLimiter;

  constructor(
    private readonly addresses: ClientAddress,
    private readonly origins: OriginPolicy,
    private readonly authenticator: Authenticator,
    private readonly places: ConnectionPlaces,
    private readonly returnOffers: ReturnOffers,
    { handshakesPerSecond }: Settings,
  ) {
    this.#rate = new AddressRateLimiter(handshakesPerSecond);
  }

  /**
   * Returns the identity of an admitted handshake, or why it is not admitted; a promise only where a token or a guard
   * decides. The promise is of `undefined` where the client has left meanwhile.
   */
  admit(request: IncomingMessage): AdmissionResult | Promise<AdmissionResult | undefined> {
    if (this.returnOffers.hasPass(request)) return this.#admitByPass(request);
    const address = this.addresses.resolve(request);
    const key = rateLimitKey(address);
    const overLimit = this.#checkLimits(key, request);
    if (overLimit !== undefined) return overLimit;
    // Address limits come before the origin, but a client that may have a user, or a session, is not limited by its address yet.
    if (this.places.hasNone(key) && !this.#mayHavePlace(request)) return this.#reject(key, TOO_MANY);
    const wrongOrigin = this.origins.rejection(request);
    if (wrongOrigin !== undefined) return this.#reject(key, wrongOrigin);
    const result = this.authenticator.authenticate(request, address);
    return isThenable(result) ? this.#settled(key, request, result) : this.#place(key, request, result);
  }

  /** Admits a client to a new session, because its session of another node is gone. */
  admitAnew({ identity }: RemoteReturn, reason: NoReturnReason): LocalAdmission {
    const key = rateLimitKey(identity.address);
    this.places.releasePipe(identity);
    return this.places.identify(key) ? this.#take(key, identity, { reason }) : TOO_MANY;
  }

  /** Uncounts an admitted handshake. */
  release(admitted: AdmittedClient | RemoteReturn | ClosedAdmission): void {
    if ('nodeId' in admitted) this.places.releasePipe(admitted.identity);
    else this.places.release(admitted);
  }

  /** Returns whether this node is at its limit with so many connections beside its sessions. */
  isFull(otherConnections: number): boolean {
    return this.places.isFull(otherConnections);
  }

  /**
   * Admits a client that another node has admitted. The connection is counted there. A rejected pass counts to the rate of the
   * address, because any client can send one.
   */
  #admitByPass(request: IncomingMessage): AdmittedClient | HandshakeRejection {
    const client = this.returnOffers.takePass(request);
    if (!('code' in client)) return { ...client, isPiped: true };
    if (client.code === 'unavailable') return client; // the pass was good
    return this.#checkRate(rateLimitKey(this.addresses.resolve(request))) ?? client;
  }

  /** Counts one more client of an address that is being identified, or returns the limit that it exceeds. */
  #checkLimits(key: string, request: IncomingMessage): HandshakeRejection | undefined {
    // The session of a client that returns has a place.
    if (this.isFull(0) && !this.returnOffers.mayReturn(request)) return FULL;
    return this.#checkRate(key) ?? (this.places.identify(key) ? undefined : TOO_MANY);
  }

  /** Counts a handshake to the rate of its address, or returns the rejection where the rate is exceeded. */
  #checkRate(key: string): HandshakeRejection | undefined {
    const waitMs = this.#rate.take(key, performance.now());
    return waitMs > 0 ? { ...TOO_MANY, headers: { 'Retry-After': Math.ceil(waitMs / 1000) } } : undefined;
  }

  #mayHavePlace(request: IncomingMessage): boolean {
    return this.authenticator.mayIdentify(request) || this.returnOffers.mayReturn(request);
  }

  /** Waits until a client is identified. Uncounts the connection where the check fails. */
  async #settled(
    key: string,
    request: IncomingMessage,
    result: Promise<Authentication>,
  ): Promise<AdmissionResult | undefined> {
    const decided = await result.catch((error: unknown) => {
      this.#reject(key, undefined);
      throw error;
    });
    return decided === undefined || 'code' in decided ? this.#reject(key, decided) : this.#place(key, request, decided);
  }

  /** Decides what becomes of an identified client. */
  #place(key: string, request: IncomingMessage, identity: Identity): AdmissionResult {
    const decision = this.returnOffers.decide(request, identity);
    if (decision === undefined || !('nodeId' in decision)) return this.#take(key, identity, decision);
    if (this.places.isOver) return this.#reject(key, FULL);
    if (!this.places.takePipe(key, identity)) return this.#reject(key, TOO_MANY);
    return decision;
  }

  /** Counts an identified client by its user or its address instead. Uncounts it where there is no place. */
  #take(key: string, identity: Identity, resume: ResumeDecision | undefined): LocalAdmission {
    if (!comesBack(resume) && this.places.isOver) return this.#reject(key, FULL);
    return this.places.take(key, identity, resume) ?? this.#reject(key, TOO_MANY);
  }

  /** Rejects a handshake that {@link #checkLimits} has counted. */
  #reject<Rejection extends HandshakeRejection | undefined>(key: string, rejection: Rejection): Rejection {
    this.places.reject(key);
    return rejection;
  }
}
