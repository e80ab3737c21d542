import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { AddressRateLimiter } from '../../limits/address-rate-limiter.js';
import { ConnectionCounter } from '../../limits/connection-counter.js';
import type { ServerCloseCode } from '../../protocol/index.js';
import type { Identity } from '../../sessions/identity.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Settings } from '../../settings/settings.js';
import { Authenticator, type Authentication } from './authenticator.js';
import { ClientAddress, rateLimitKey } from './client-address.js';
import { OriginPolicy } from './origin-policy.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { isThenable } from '../thenable.js';

/** `Retry-After` of a rejection for capacity, because a connection may have closed by then. */
const RETRY_AFTER_SECONDS = 5;
export const FULL: HandshakeRejection = { code: 'full', headers: { 'Retry-After': RETRY_AFTER_SECONDS } };
export const TOO_MANY: HandshakeRejection = {
  code: 'too_many_connections',
  headers: { 'Retry-After': RETRY_AFTER_SECONDS },
};
/**
 * Connections over the limit of an address that get their upgrade, so that a page sees why they are closed: a share of the
 * limit, and at most so many. Below a limit of ten there are none, because one more would be over a tenth.
 */
const VISIBLE_EXCESS_SHARE = 0.1;
const MAX_VISIBLE_EXCESS = 16;
/**
 * The share of the process's file descriptors that connections may use; files, the log and handshakes need the rest.
 */
const DESCRIPTOR_SHARE = 0.9;

/** Closes a connection right after the upgrade, because a page cannot see why an upgrade is rejected. */
export interface ClosedAdmission {
  readonly closeCode: ServerCloseCode;
  /** Of the client. */
  readonly address: string;
}

/** The result of admission. An identity opens a session; a rejection is sent as the HTTP response. */
export type AdmissionResult = Identity | HandshakeRejection | ClosedAdmission;

/**
 * Admits handshakes: checks capacity, the rate of the address, origin, token, the application's own check, and the limits
 * of user or address, in this order. An admitted handshake is counted until {@link release}, which the end of its session
 * calls: by its user where there is one, else by its address. Many users of one office share an address, so each kind has
 * places of its own: one client without a user must not shut out those that have one.
 *
 *   being identified ──▶ a user? its limit
 *                   └──▶ none?   limit of the address ──over it──▶ closed with 4103 ──too many of these──▶ 429
 */
@Injectable()
export class Admission {
  readonly #maxConnections: number;
  /** Counts connections without a user. */
  readonly #perAddress: ConnectionCounter;
  /** Counts handshakes whose client is being identified. */
  readonly #identifying: ConnectionCounter;
  /** Counts connections that are being closed with 4103. */
  readonly #closing: ConnectionCounter;
  readonly #maxClosing: number;
  readonly #limitsUsers: boolean;
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
    this.#identifying = new ConnectionCounter(settings.maxConnectionsPerAddress);
    this.#maxClosing = visibleExcess(settings.maxConnectionsPerAddress);
    this.#closing = new ConnectionCounter(this.#maxClosing);
    this.#limitsUsers = settings.maxConnectionsPerUser > 0;
    this.#perUser = new ConnectionCounter(settings.maxConnectionsPerUser);
    this.#rate = new AddressRateLimiter(settings.handshakesPerSecond);
    sessions.addListener('limits', { closed: ({ identity }) => this.release(identity) });
  }

  /**
   * Returns the identity of an admitted handshake, or why it is not admitted; a promise only where a token or a guard
   * decides. The promise is of `undefined` where the client has left meanwhile.
   */
  admit(request: IncomingMessage): AdmissionResult | Promise<AdmissionResult | undefined> {
    const address = this.addresses.resolve(request);
    const key = rateLimitKey(address);
    const overLimit = this.#checkLimits(key);
    if (overLimit !== undefined) return overLimit;
    // Address limits come before the origin, but a client that may have a user is not limited by its address.
    if (this.#hasNoPlace(key) && !this.authenticator.mayIdentify(request)) return this.#reject(key, TOO_MANY);
    const wrongOrigin = this.origins.rejection(request);
    if (wrongOrigin !== undefined) return this.#reject(key, wrongOrigin);
    const result = this.authenticator.authenticate(request, address);
    return isThenable(result) ? this.#settled(key, result) : this.#place(key, result);
  }

  /** Uncounts an admitted handshake. */
  release(admitted: Identity | ClosedAdmission): void {
    this.#connections--;
    if ('closeCode' in admitted) this.#closing.release(rateLimitKey(admitted.address));
    else if (this.#countsByUser(admitted)) this.#perUser.release(admitted.user);
    else this.#perAddress.release(rateLimitKey(admitted.address));
  }

  /** Returns whether this node is at its limit with so many connections beside its sessions. */
  isFull(otherConnections: number): boolean {
    return this.#maxConnections > 0 && this.#connections + otherConnections >= this.#maxConnections;
  }

  /** Counts one more client of an address that is being identified, or returns the limit that it exceeds. */
  #checkLimits(key: string): HandshakeRejection | undefined {
    if (this.isFull(0)) return FULL;
    const waitMs = this.#rate.take(key, performance.now());
    if (waitMs > 0) return { ...TOO_MANY, headers: { 'Retry-After': Math.ceil(waitMs / 1000) } };
    if (!this.#identifying.acquire(key)) return TOO_MANY;
    this.#connections++;
    return undefined;
  }

  /** Waits until a client is identified. Uncounts the connection where the check fails. */
  async #settled(key: string, result: Promise<Authentication>): Promise<AdmissionResult | undefined> {
    const decided = await result.catch((error: unknown) => {
      this.#reject(key, undefined);
      throw error;
    });
    return decided === undefined || 'code' in decided ? this.#reject(key, decided) : this.#place(key, decided);
  }

  /** Counts an identified client by its user or its address instead. Uncounts it where there is no place. */
  #place(key: string, identity: Identity): AdmissionResult {
    if (this.#countsByUser(identity)) {
      if (!this.#perUser.acquire(identity.user)) return this.#reject(key, TOO_MANY);
    } else if (!this.#perAddress.acquire(key)) {
      if (this.#maxClosing === 0 || !this.#closing.acquire(key)) return this.#reject(key, TOO_MANY);
      this.#identifying.release(key);
      return { closeCode: 4103, address: identity.address };
    }
    this.#identifying.release(key);
    return identity;
  }

  /** Returns whether one more connection of an address without a user would get 429. */
  #hasNoPlace(key: string): boolean {
    return this.#perAddress.isFull(key) && (this.#maxClosing === 0 || this.#closing.isFull(key));
  }

  /** Returns whether a connection counts to the limit of its user. Without that limit it counts to its address. */
  #countsByUser(identity: Identity): identity is Identity & { readonly user: string } {
    return this.#limitsUsers && identity.user !== undefined;
  }

  /** Rejects a handshake that {@link #checkLimits} has counted. */
  #reject<Rejection extends HandshakeRejection | undefined>(key: string, rejection: Rejection): Rejection {
    this.#connections--;
    this.#identifying.release(key);
    return rejection;
  }
}

/** Returns how many connections over the limit of an address are closed with 4103 at a time; further ones get 429. */
function visibleExcess(limit: number): number {
  return Math.min(MAX_VISIBLE_EXCESS, Math.floor(limit * VISIBLE_EXCESS_SHARE));
}

interface DiagnosticReport {
  readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
}

/** Returns how many connections the limit of open files leaves room for; 0 where the system has no limit. */
function connectionsByDescriptors(): number {
  const soft = (process.report.getReport() as DiagnosticReport).userLimits?.open_files?.soft;
  return typeof soft === 'number' ? Math.floor(soft * DESCRIPTOR_SHARE) : 0;
}
