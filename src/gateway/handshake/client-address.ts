import { Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, SocketAddress, type Socket } from 'node:net';
import type { CertificateSubject } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { readProxySecret } from './proxy-secret.js';
import { isUnixPeer, UNIX_ADDRESS } from './unix-peer.js';

/** An IPv4 address as a dual-stack socket shows it (RFC 4291, 2.5.5.2). */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;
/** The header in which nginx passes on a certificate that it has verified: PEM, percent-encoded. */
const CERTIFICATE_HEADER = 'x-client-certificate';

/**
 * Resolves the address and the certificate of a client: from the TCP connection, or from the headers of a proxy that
 * `TRUSTED_PROXIES` names and that shows the secret of `PROXY_SECRET_FILE` where one is set.
 */
@Injectable()
export class ClientAddress {
  readonly #trusted = new BlockList();
  readonly #trustsAny: boolean;
  readonly #secretHash: Buffer | undefined;

  /** @throws {SettingsError} when the secret can be neither read nor created */
  constructor({ trustedProxies, proxySecretFile }: Settings) {
    for (const network of trustedProxies) {
      const [address = '', bits] = network.split('/');
      const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
      this.#trusted.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
    }
    this.#trustsAny = trustedProxies.length > 0;
    this.#secretHash = proxySecretFile === undefined ? undefined : hash(readProxySecret(proxySecretFile));
  }

  /** Returns the right-most untrusted `X-Forwarded-For` address of a trusted proxy, otherwise the TCP address. */
  resolve(request: IncomingMessage): string {
    const peer = isUnixPeer(request) ? UNIX_ADDRESS : plain(request.socket.remoteAddress ?? '');
    if (!this.trusts(request)) return peer;
    const { 'x-forwarded-for': hops, 'x-real-ip': real } = request.headers;
    return this.#lastUntrusted(String(hops ?? '')) ?? valid(String(real ?? '').trim()) ?? peer;
  }

  /** Returns the key under which limits count the peer of a TCP connection; `undefined` for a trusted proxy. */
  limitedPeer(socket: Socket): string | undefined {
    if (isUnixPeer({ socket })) return undefined;
    const peer = plain(socket.remoteAddress ?? '');
    return this.#trustsAny && this.#isTrusted(peer) ? undefined : rateLimitKey(peer);
  }

  /** Returns whether the forwarding headers of a request were set by a trusted proxy. */
  trusts(request: IncomingMessage): boolean {
    return this.#secretHash === undefined ? this.#comesFromTrusted(request) : this.#hasSecret(request);
  }

  /**
   * Returns the subject of the client certificate that a proxy has verified. Requires the secret, because any client
   * can send this header.
   */
  certificateSubject(request: IncomingMessage): CertificateSubject | undefined {
    const text = request.headers[CERTIFICATE_HEADER];
    if (typeof text !== 'string' || !this.#hasSecret(request)) return undefined;
    try {
      return { ...new X509Certificate(decodeURIComponent(text)).toLegacyObject().subject };
    } catch {
      return undefined;
    }
  }

  /** Returns whether a trusted proxy has shown the secret, or came by the Unix socket, where file permissions stand for it. */
  #hasSecret(request: IncomingMessage): boolean {
    if (isUnixPeer(request)) return true;
    if (this.#secretHash === undefined || !this.#comesFromTrusted(request)) return false;
    return timingSafeEqual(hash(String(request.headers['x-proxy-secret'] ?? '')), this.#secretHash);
  }

  #comesFromTrusted({ socket }: IncomingMessage): boolean {
    if (isUnixPeer({ socket })) return true;
    return this.#trustsAny && this.#isTrusted(plain(socket.remoteAddress ?? ''));
  }

  /**
   * Walks the hops from right to left. A hop that is not an address ends the walk, because any client may have sent it.
   */
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

/** Returns the key under which limits count an address: of IPv6 the /64 network, because a client may use all of it. */
export function rateLimitKey(text: string): string {
  const address = plain(text);
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
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

/**
 * Returns the one spelling of an address (RFC 5952); of an IPv4-mapped IPv6 address, however it is spelt, the IPv4 one.
 */
function plain(address: string): string {
  if (isIP(address) !== 6) return address;
  const canonical = new SocketAddress({ address: address.split('%')[0]!, family: 'ipv6' }).address;
  return MAPPED.exec(canonical)?.[1] ?? canonical;
}

/** Hashes a secret, because `timingSafeEqual` compares buffers of equal length only. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
