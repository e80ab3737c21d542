import { Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { Settings } from '../../settings/settings.js';
import { readProxySecret } from './proxy-secret.js';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Where a client is: its TCP address, or what a proxy says that is trusted and, where there is a secret, knows it. */
@Injectable()
export class ClientAddress {
  readonly #trusted = new BlockList();
  readonly #trustsAny: boolean;
  readonly #secretHash: Buffer | undefined;

  /** @throws {SettingsError} when the secret can be neither read nor made */
  constructor({ trustedProxies, proxySecretFile }: Settings) {
    for (const network of trustedProxies) {
      const [address = '', bits] = network.split('/');
      const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
      this.#trusted.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
    }
    this.#trustsAny = trustedProxies.length > 0;
    this.#secretHash = proxySecretFile === undefined ? undefined : hash(readProxySecret(proxySecretFile));
  }

  /** Returns the address of whoever sent a request: that of the last hop that nobody we trust vouches for. */
  resolve(request: IncomingMessage): string {
    const peer = plain(request.socket.remoteAddress ?? '');
    if (!this.trusts(request)) return peer;
    const { 'x-forwarded-for': hops, 'x-real-ip': real } = request.headers;
    return this.#lastUntrusted(String(hops ?? '')) ?? valid(String(real ?? '').trim()) ?? peer;
  }

  /** Whether what a request says of its origin, beyond the TCP address, comes from a proxy that is trusted. */
  trusts(request: IncomingMessage): boolean {
    return this.#secretHash === undefined ? this.#comesFromTrusted(request) : this.hasProven(request);
  }

  /** Whether a request comes from a proxy that is trusted and has shown the secret; never where there is no secret. */
  hasProven(request: IncomingMessage): boolean {
    if (this.#secretHash === undefined || !this.#comesFromTrusted(request)) return false;
    return timingSafeEqual(hash(String(request.headers['x-proxy-secret'] ?? '')), this.#secretHash);
  }

  #comesFromTrusted({ socket }: IncomingMessage): boolean {
    return this.#trustsAny && this.#isTrusted(plain(socket.remoteAddress ?? ''));
  }

  /** Walks a chain of proxies from us outwards; a hop that is no address ends it, for anybody may have written it. */
  #lastUntrusted(hops: string): string | undefined {
    let outermost: string | undefined;
    for (const hop of hops.split(',').toReversed()) {
      const address = valid(hop.trim());
      if (address === undefined) return outermost;
      outermost = address;
      if (!this.#isTrusted(address)) return outermost;
    }
    return outermost;
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#trusted.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** An address as limits count it: an IPv6 client has a whole network of 64 bits to change its address in. */
export function rateLimitKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  if (tail !== undefined) groups.push(...Array<string>(Math.max(0, 8 - groups.length - behind.length)).fill('0'));
  return groups
    .concat(behind)
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

function valid(text: string): string | undefined {
  const address = plain(text);
  return isIP(address) === 0 ? undefined : address;
}

/** An IPv4 address that a socket of both families shows as IPv6. */
function plain(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address;
}

/** Secrets are compared by their hashes, which are of one length. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
