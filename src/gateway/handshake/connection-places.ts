import { Injectable } from '@nestjs/common';
import { UserIndex } from '../../groups/user-index.js';
import { ConnectionCounter } from '../../limits/connection-counter.js';
import type { ServerCloseCode } from '../../protocol/index.js';
import type { Identity } from '../../sessions/identity.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Settings } from '../../settings/settings.js';
import { rateLimitKey } from './client-address.js';

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

/**
 * Counts the connections of this node, from the check of the handshake to the end of the session: a client that is being
 * identified by its address; an identified one by its user where there is one, else by its address. Many users of one
 * office share an address, so each kind has places of its own: one client without a user must not shut out those that have
 * one.
 *
 *   being identified ──▶ a user? its limit
 *                   └──▶ none?   limit of the address ──over it──▶ closed with 4103 ──too many of these──▶ no place
 *
 * The limit of a user holds for all nodes. A session of another node counts once the news of its arrival is here, some
 * milliseconds after it has opened. Handshakes on several nodes within that time may each get the last place.
 */
@Injectable()
export class ConnectionPlaces {
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
  /** Connections of this node. */
  #connections = 0;

  constructor(settings: Settings, sessions: SessionRegistry, users: UserIndex) {
    const { maxConnections, maxConnectionsPerAddress, maxConnectionsPerUser } = settings;
    this.#maxConnections = maxConnections ?? connectionsByDescriptors();
    this.#perAddress = new ConnectionCounter(maxConnectionsPerAddress);
    this.#identifying = new ConnectionCounter(maxConnectionsPerAddress);
    this.#maxClosing = visibleExcess(maxConnectionsPerAddress);
    this.#closing = new ConnectionCounter(this.#maxClosing);
    this.#limitsUsers = maxConnectionsPerUser > 0;
    this.#perUser = new ConnectionCounter(maxConnectionsPerUser, (user) => users.remoteCount(user));
    sessions.addListener('limits', { closed: ({ identity }) => this.release(identity) });
  }

  /** Returns whether this node is at its limit with so many connections beside those that are counted. */
  isFull(otherConnections: number): boolean {
    return this.#maxConnections > 0 && this.#connections + otherConnections >= this.#maxConnections;
  }

  /** Returns whether one more connection of an address without a user would get no place. */
  hasNone(key: string): boolean {
    return this.#perAddress.isFull(key) && (this.#maxClosing === 0 || this.#closing.isFull(key));
  }

  /** Counts one more client of an address that is being identified; `false` where there are too many. */
  identify(key: string): boolean {
    if (!this.#identifying.acquire(key)) return false;
    this.#connections++;
    return true;
  }

  /** Uncounts a client that {@link identify} has counted and that gets no place. */
  reject(key: string): void {
    this.#connections--;
    this.#identifying.release(key);
  }

  /**
   * Counts an identified client by its user or its address instead. Returns `undefined`, and counts it as before, where there
   * is no place.
   */
  take(key: string, identity: Identity): Identity | ClosedAdmission | undefined {
    const admitted = this.#admitted(key, identity);
    if (admitted !== undefined) this.#identifying.release(key);
    return admitted;
  }

  /** Uncounts a connection that {@link take} has counted. */
  release(admitted: Identity | ClosedAdmission): void {
    this.#connections--;
    if ('closeCode' in admitted) this.#closing.release(rateLimitKey(admitted.address));
    else if (this.#countsByUser(admitted)) this.#perUser.release(admitted.user);
    else this.#perAddress.release(rateLimitKey(admitted.address));
  }

  #admitted(key: string, identity: Identity): Identity | ClosedAdmission | undefined {
    if (this.#countsByUser(identity)) return this.#perUser.acquire(identity.user) ? identity : undefined;
    if (this.#perAddress.acquire(key)) return identity;
    if (this.#maxClosing === 0 || !this.#closing.acquire(key)) return undefined;
    return { closeCode: 4103, address: identity.address };
  }

  /** Returns whether a connection counts to the limit of its user. Without that limit it counts to its address. */
  #countsByUser(identity: Identity): identity is Identity & { readonly user: string } {
    return this.#limitsUsers && identity.user !== undefined;
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
