import { Injectable } from '@nestjs/common';
import { BlockList, isIP } from 'node:net';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Log } from '../../telemetry/log.js';

/** Warns at this number of sessions and this share of one address; a share below the second one allows the next warning. */
const MIN_SESSIONS = 50;
const SHARE = 0.9;
const SHARE_TO_REARM = 0.8;

const WARNING =
  "nearly all sessions have one private address: name the proxy in FRONT_PROXIES, or give Docker's network IPv6";

/** Addresses that no client on the Internet has: private, shared (RFC 6598), link-local and loopback. */
const PRIVATE = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [address, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  PRIVATE.ipv4.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of [
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
] as const)
  PRIVATE.ipv6.addSubnet(address, bits, 'ipv6');

/**
 * Warns when nearly all sessions have one private address, once until it is no longer so. The address is then that of a
 * proxy or of Docker's gateway, and limits by address count all clients together.
 */
@Injectable()
export class SharedAddress {
  /** Sessions by private address; no more entries than sessions. */
  readonly #counts = new Map<string, number>();
  /** The address of the last warning, as long as nearly all sessions have it. */
  #shared: string | undefined;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly log: Log,
  ) {
    sessions.addListener('limits', {
      opened: ({ address }) => this.#opened(address),
      closed: ({ address }) => this.#count(address, -1),
    });
  }

  #opened(address: string): void {
    this.#count(address, 1);
    if (this.#shared !== undefined && !this.#has(this.#shared, SHARE_TO_REARM, MIN_SESSIONS / 2))
      this.#shared = undefined;
    if (this.#shared !== undefined || !this.#has(address, SHARE, MIN_SESSIONS)) return;
    this.#shared = address;
    this.log.warn(WARNING, {
      address,
      sessions: this.sessions.size,
    });
  }

  #count(address: string, change: 1 | -1): void {
    if (!isPrivate(address)) return;
    const count = (this.#counts.get(address) ?? 0) + change;
    if (count > 0) this.#counts.set(address, count);
    else this.#counts.delete(address);
  }

  /** Returns whether so many sessions are open, and more than a share of them from one address. */
  #has(address: string, share: number, minSessions: number): boolean {
    const { size } = this.sessions;
    return size >= minSessions && (this.#counts.get(address) ?? 0) > size * share;
  }
}

function isPrivate(address: string): boolean {
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  return PRIVATE[family].check(address, family);
}
