import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { AddressRateLimiter } from '../../limits/address-rate-limiter.js';
import { ConnectionCounter } from '../../limits/connection-counter.js';
import type { Identity } from '../../sessions/identity.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Settings } from '../../settings/settings.js';
import { Authenticator, type Authentication } from './authenticator.js';
import { ClientAddress, rateLimitKey } from './client-address.js';
import { OriginPolicy } from './origin-policy.js';
import type { HandshakeRejection } from '../http/rejection.js';

/** `Retry-After` of a rejection for capacity, because a connection may have closed by then. */
const RETRY_AFTER_SECONDS = 5;
export const FULL: HandshakeRejection = { code: 'full', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
export const TOO_MANY: HandshakeRejection = {
  code: 'too_many_connections',
  headers: { 'Retry-After': RETRY_AFTER_SECONDS },
};
/**
 * The share of the process's file descriptors that connections may use; files, the log and handshakes need the rest.
 */
const DESCRIPTOR_SHARE = 0.9;

/**
 * Admits handshakes: checks capacity, address limits, origin, token, the application's own check and user limit, in
 * this order. An admitted handshake is counted until {@link release}, which the end of its session calls.
 */
@Injectable()
export class Admission {
  readonly #maxConnections: number;
  readonly #perAddress: ConnectionCounter;
  readonly #perUser: ConnectionCounter;
  readonly #rate: AddressRateLimiter;
  /** Connections of this node, from the check of the handshake to the end of the session. */
  #connections = 0;

  constructor(
    private readonly addresses: ClientAddress,
    private readonly origins: OriginPolicy,
    private readonly authenticator: Authenticator,
    settings: Settings,
    sessions: SessionRegistry,
  ) {
    this.#maxConnections = settings.maxConnections ?? connectionsByDescriptors();
    this.#perAddress = new ConnectionCounter(settings.maxConnectionsPerAddress);
    this.#perUser = new ConnectionCounter(settings.maxConnectionsPerUser);
    this.#rate = new AddressRateLimiter(settings.handshakesPerSecond);
    sessions.addListener('limits', { closed: ({ identity }) => this.release(identity) });
  }

  /**
   * Returns the identity of an admitted handshake or why it is rejected; a promise only where a token or a guard decides.
   * The promise is of `undefined` where the client has left meanwhile.
   */
  admit(request: IncomingMessage): Identity | HandshakeRejection | Promise<Authentication> {
    const address = this.addresses.resolve(request);
    const key = rateLimitKey(address);
    const overLimit = this.#checkLimits(key);
    if (overLimit !== undefined) return overLimit;
    const wrongOrigin = this.origins.rejection(request);
    if (wrongOrigin !== undefined) return this.#reject(key, wrongOrigin);
    const result = this.authenticator.authenticate(request, address);
    return result instanceof Promise ? this.#settled(key, result) : result;
  }

  /** Uncounts an admitted handshake. */
  release({ address, user }: Identity): void {
    this.#connections--;
    this.#perAddress.release(rateLimitKey(address));
    if (user !== undefined) this.#perUser.release(user);
  }

  /** Returns whether this node is at its limit with so many connections beside its sessions. */
  isFull(otherConnections: number): boolean {
    return this.#maxConnections > 0 && this.#connections + otherConnections >= this.#maxConnections;
  }

  /** Returns how many connections of an address {@link admit} has counted. @param key of the address limit */
  sessionsOf(key: string): number {
    return this.#perAddress.count(key);
  }

  /** Counts one more connection of an address, or returns the limit that it exceeds. */
  #checkLimits(key: string): HandshakeRejection | undefined {
    if (this.isFull(0)) return FULL;
    const waitMs = this.#rate.take(key, performance.now());
    if (waitMs > 0) return { ...TOO_MANY, headers: { 'Retry-After': Math.ceil(waitMs / 1000) } };
    if (!this.#perAddress.acquire(key)) return TOO_MANY;
    this.#connections++;
    return undefined;
  }

  /** Waits until a client is identified. Uncounts the connection where the check fails. */
  async #settled(key: string, result: Promise<Authentication>): Promise<Authentication> {
    const decided = await result.catch((error: unknown) => {
      this.#reject(key, undefined);
      throw error;
    });
    return this.#settle(key, decided);
  }

  /** Counts the user of an identity; uncounts the connection where the handshake is not admitted. */
  #settle(key: string, result: Authentication): Authentication {
    if (result === undefined || 'code' in result) return this.#reject(key, result);
    const { user } = result;
    return user === undefined || this.#perUser.acquire(user) ? result : this.#reject(key, TOO_MANY);
  }

  /** Rejects a handshake that {@link #checkLimits} has counted. */
  #reject<Rejection extends HandshakeRejection | undefined>(key: string, rejection: Rejection): Rejection {
    this.#connections--;
    this.#perAddress.release(key);
    return rejection;
  }
}

interface DiagnosticReport {
  readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
}

/** Returns how many connections the limit of open files leaves room for; 0 where the system has no limit. */
function connectionsByDescriptors(): number {
  const soft = (process.report.getReport() as DiagnosticReport).userLimits?.open_files?.soft;
  return typeof soft === 'number' ? Math.floor(soft * DESCRIPTOR_SHARE) : 0;
}
