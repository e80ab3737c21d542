import { Injectable } from '@nestjs/common';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Log } from '../../telemetry/log.js';
import { Networks } from './networks.js';
import { UNIX_ADDRESS } from './unix-peer.js';

/** Warns at this number of sessions and this share of them; a share below the second one allows the next warning. */
const MIN_SESSIONS = 50;
const SHARE = 0.9;
const SHARE_TO_REARM = 0.8;

/** The most private addresses that are summed up: a balancer has one in each of its zones. */
const MAX_ADDRESSES = 4;

const REMEDY = "name the proxy in FRONT_PROXIES, or give Docker's network IPv6";
const ONE_ADDRESS = `nearly all sessions have one private address: ${REMEDY}`;
const FEW_ADDRESSES = `nearly all sessions have a few private addresses: ${REMEDY}`;
const NO_ADDRESS =
  'nearly all sessions come by the Unix socket without an address: let the proxy send X-Forwarded-For with each request';

/** Addresses that no client on the Internet has: private, shared (RFC 6598), link-local and loopback. */
const PRIVATE = new Networks([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1',
]);

/**
 * Warns when nearly all sessions have one private address, or all private ones are a few; once until it is no longer so. The
 * address is then that of a proxy or of Docker's gateway, and limits by address count all clients together. The proxy at the
 * Unix socket counts as a private address, where it sends none. A session that is away does not count, because its client may
 * return from another address.
 */
@Injectable()
export class SharedAddress {
  /** Connected sessions by private address; no more entries than sessions. */
  readonly #counts = new Map<string, number>();
  /** Connected sessions with a private address. */
  #total = 0;
  /** Connected sessions of all addresses. */
  #connected = 0;
  /** An address of the last warning, as long as it holds. */
  #shared: string | undefined;

  constructor(
    sessions: SessionRegistry,
    private readonly log: Log,
  ) {
    sessions.addListener('limits', {
      opened: ({ address }) => this.#connect(address),
      away: ({ address }) => this.#count(address, -1),
      back: ({ address }) => this.#connect(address),
      closed: ({ address, connection }) => {
        if (connection !== undefined) this.#count(address, -1);
      },
    });
  }

  #connect(address: string): void {
    this.#count(address, 1);
    if (this.#shared !== undefined && !this.#has(this.#shared, SHARE_TO_REARM, MIN_SESSIONS / 2))
      this.#shared = undefined;
    if (this.#shared !== undefined || !isPrivate(address) || !this.#has(address, SHARE, MIN_SESSIONS)) return;
    this.#shared = address;
    this.#warn(address);
  }

  #warn(address: string): void {
    const sessions = this.#connected;
    if (!this.#isMost(this.#counts.get(address) ?? 0, SHARE))
      return this.log.warn(FEW_ADDRESSES, { address: [...this.#counts.keys()].join(', '), sessions });
    this.log.warn(address === UNIX_ADDRESS ? NO_ADDRESS : ONE_ADDRESS, { address, sessions });
  }

  #count(address: string, change: 1 | -1): void {
    this.#connected += change;
    if (!isPrivate(address)) return;
    const count = (this.#counts.get(address) ?? 0) + change;
    this.#total += change;
    if (count > 0) this.#counts.set(address, count);
    else this.#counts.delete(address);
  }

  /** Returns whether so many sessions are connected, and most of them from one address or from a few private ones. */
  #has(address: string, share: number, minSessions: number): boolean {
    if (this.#connected < minSessions) return false;
    const isFew = this.#counts.size <= MAX_ADDRESSES && this.#isMost(this.#total, share);
    return isFew || this.#isMost(this.#counts.get(address) ?? 0, share);
  }

  #isMost(count: number, share: number): boolean {
    return count > this.#connected * share;
  }
}

function isPrivate(address: string): boolean {
  return address === UNIX_ADDRESS || PRIVATE.has(address);
}
