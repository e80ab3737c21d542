import { Injectable } from '@nestjs/common';
import { AwaySessions } from '../../resume/away-sessions.js';
import type { ResumeDecision, Return } from '../../resume/resumptions.js';
import { UserIndex } from '../../groups/user-index.js';
import { ConnectionCounter } from '../../limits/connection-counter.js';
import type { ServerCloseCode } from '../../protocol/index.js';
import type { Connection } from '../../sessions/connection.js';
import type { Identity } from '../../sessions/identity.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { Session } from '../../sessions/session.js';
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

/** An admitted client whose session this node has or opens. */
export interface AdmittedClient {
  readonly identity: Identity;
  /** Decision about its offer; `undefined` where it wants no session that may come back. */
  readonly resume: ResumeDecision | undefined;
  /** Whether another node has admitted the client and pipes the connection. */
  readonly isPiped: boolean;
}

/** Returns whether an admitted client comes back to its session. */
export function comesBack(resume: ResumeDecision | undefined): resume is Return {
  return resume !== undefined && 'session' in resume;
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
 * A session that is away keeps its place and counts for its user, but not for its address. Where the node is full, the
 * longest away session ends for a new one.
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
  /** Places taken: sessions, and connections without one. */
  #places = 0;

  constructor(
    settings: Settings,
    sessions: SessionRegistry,
    users: UserIndex,
    private readonly awaySessions: AwaySessions,
  ) {
    const { maxConnections, maxConnectionsPerAddress, maxConnectionsPerUser } = settings;
    this.#maxConnections = maxConnections ?? connectionsByDescriptors();
    this.#perAddress = new ConnectionCounter(maxConnectionsPerAddress);
    this.#identifying = new ConnectionCounter(maxConnectionsPerAddress);
    this.#maxClosing = visibleExcess(maxConnectionsPerAddress);
    this.#closing = new ConnectionCounter(this.#maxClosing);
    this.#limitsUsers = maxConnectionsPerUser > 0;
    this.#perUser = new ConnectionCounter(maxConnectionsPerUser, (user) => users.remoteCount(user));
    sessions.addListener('limits', {
      restored: ({ identity }) => {
        this.#places++;
        if (this.#countsByUser(identity)) this.#perUser.add(identity.user);
      },
      away: ({ identity }, _code, connection) => this.#releaseAddress(identity, connection),
      closed: ({ identity, connection }) => {
        if (connection !== undefined) this.#releaseAddress(identity, connection);
        this.#releaseSession(identity);
      },
    });
  }

  /** Returns whether this node is at its limit with so many connections beside those that are counted. */
  isFull(otherConnections: number): boolean {
    const ending = this.awaySessions.size; // they end for new ones
    return this.#maxConnections > 0 && this.#places - ending + otherConnections >= this.#maxConnections;
  }

  /** Whether this node has more connections than it may, with the one that is being identified. */
  get isOver(): boolean {
    return this.#maxConnections > 0 && this.#places - this.awaySessions.size > this.#maxConnections;
  }

  /** Returns whether one more connection of an address without a user would get no place. */
  hasNone(key: string): boolean {
    return this.#perAddress.isFull(key) && (this.#maxClosing === 0 || this.#closing.isFull(key));
  }

  /** Counts one more client of an address that is being identified; `false` where there are too many. */
  identify(key: string): boolean {
    if (!this.#identifying.acquire(key)) return false;
    this.#places++;
    return true;
  }

  /** Uncounts a client that {@link identify} has counted and that gets no place. */
  reject(key: string): void {
    this.#places--;
    this.#identifying.release(key);
  }

  /**
   * Counts an identified client by its user or its address instead. Returns `undefined`, and counts it as before, where there
   * is no place.
   */
  take(
    key: string,
    identity: Identity,
    resume: ResumeDecision | undefined,
  ): AdmittedClient | ClosedAdmission | undefined {
    const admitted = this.#admitted(key, { identity, resume, isPiped: false });
    if (admitted === undefined) return undefined;
    this.#identifying.release(key);
    if ('closeCode' in admitted) return admitted;
    if (comesBack(resume))
      this.#places--; // its session has a place
    else if (this.#maxConnections > 0 && this.#places > this.#maxConnections) void this.awaySessions.endLongest();
    return admitted;
  }

  /**
   * Counts an identified client whose session is on another node. The session counts for its user there. Returns `false`,
   * and counts it as before, where there is no place.
   */
  takePipe(key: string, identity: Identity): boolean {
    if (!this.#countsByUser(identity) && !this.#perAddress.acquire(key)) return false;
    this.#identifying.release(key);
    this.#places++; // a pipe has a connection at each end
    return true;
  }

  /** Uncounts a connection that {@link takePipe} has counted. */
  releasePipe(identity: Identity): void {
    this.#places -= 2;
    this.#releaseAddress(identity, { isPiped: false });
  }

  /** Uncounts a connection that {@link take} has counted and that opens no session. */
  release(admitted: AdmittedClient | ClosedAdmission): void {
    if ('closeCode' in admitted) {
      this.#places--;
      return this.#closing.release(rateLimitKey(admitted.address));
    }
    this.#releaseAddress(admitted.identity, admitted);
    if (!comesBack(admitted.resume)) this.#releaseSession(admitted.identity);
  }

  #admitted(key: string, client: AdmittedClient): AdmittedClient | ClosedAdmission | undefined {
    const { identity, resume } = client;
    if (this.#countsByUser(identity))
      return comesBack(resume) || this.#perUser.acquire(identity.user) ? client : undefined;
    if (this.#perAddress.acquire(key)) return client;
    if (comesBack(resume) && leavesPlace(resume.session, key)) {
      this.#perAddress.add(key); // in the place of the connection that it replaces
      return client;
    }
    if (this.#maxClosing === 0 || !this.#closing.acquire(key)) return undefined;
    return { closeCode: 4103, address: identity.address };
  }

  /** Uncounts a connection by its address. A piped one counts on the node that pipes it. */
  #releaseAddress(identity: Identity, { isPiped }: Pick<Connection, 'isPiped'>): void {
    if (this.#countsByUser(identity) || isPiped) return;
    this.#perAddress.release(rateLimitKey(identity.address));
  }

  #releaseSession(identity: Identity): void {
    this.#places--;
    if (this.#countsByUser(identity)) this.#perUser.release(identity.user);
  }

  /** Returns whether a connection counts to the limit of its user. Without that limit it counts to its address. */
  #countsByUser(identity: Identity): identity is Identity & { readonly user: string } {
    return this.#limitsUsers && identity.user !== undefined;
  }
}

/** Returns whether the connection of a session counts to an address on this node. A piped one counts on another node. */
function leavesPlace({ address, connection }: Session, key: string): boolean {
  return connection !== undefined && !connection.isPiped && rateLimitKey(address) === key;
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
