import { Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { CertificateSubject } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { forwardedClient, plainAddress } from './forwarded.js';
import { Networks } from './networks.js';
import { readProxySecret } from './proxy-secret.js';
import { isUnixPeer, UNIX_ADDRESS } from './unix-peer.js';

/** The header in which nginx passes on a certificate that it has verified: PEM, percent-encoded. */
const CERTIFICATE_HEADER = 'x-client-certificate';

/**
 * Resolves the address, the protocol and the certificate of a client: from the connection, or from the headers of a
 * trusted proxy. Trusted is the proxy at the Unix socket, one that shows the secret of `PROXY_SECRET_FILE`, or without such
 * a file one that `FRONT_PROXIES` names.
 */
@Injectable()
export class ClientAddress {
  readonly #frontProxies: Networks;
  readonly #secretHash: Buffer | undefined;

  /** @throws {SettingsError} when the secret can be neither read nor created */
  constructor({ frontProxies, proxySecretFile }: Settings) {
    this.#frontProxies = new Networks(frontProxies);
    this.#secretHash = proxySecretFile === undefined ? undefined : hash(readProxySecret(proxySecretFile));
  }

  /** Returns the address of the client: the outermost that trusted proxies report, otherwise that of the connection. */
  resolve(request: IncomingMessage): string {
    const peer = isUnixPeer(request) ? UNIX_ADDRESS : plainAddress(request.socket.remoteAddress ?? '');
    if (!this.#trusts(request)) return peer;
    return forwardedClient(request.headers, (address) => this.#frontProxies.has(address)).address ?? peer;
  }

  /** Returns whether the client uses TLS, by the report of a trusted proxy or else by the connection itself. */
  isSecure(request: IncomingMessage): boolean {
    const reported = this.#trusts(request)
      ? forwardedClient(request.headers, (address) => this.#frontProxies.has(address)).isSecure
      : undefined;
    return reported ?? request.socket instanceof TLSSocket;
  }

  /** Returns the key under which limits count the peer of a connection; `undefined` for a proxy in front. */
  limitedPeer(socket: Socket): string | undefined {
    if (isUnixPeer({ socket })) return undefined;
    const peer = plainAddress(socket.remoteAddress ?? '');
    return this.#frontProxies.has(peer) ? undefined : rateLimitKey(peer);
  }

  /**
   * Returns the subject of the client certificate that a proxy has verified. Requires a proven proxy, because any client
   * can send this header.
   */
  certificateSubject(request: IncomingMessage): CertificateSubject | undefined {
    const text = request.headers[CERTIFICATE_HEADER];
    if (typeof text !== 'string' || !this.#isProvenProxy(request)) return undefined;
    try {
      return { ...new X509Certificate(decodeURIComponent(text)).toLegacyObject().subject };
    } catch {
      return undefined;
    }
  }

  /** Returns whether the headers about the client were set by a trusted proxy. */
  #trusts(request: IncomingMessage): boolean {
    if (this.#secretHash !== undefined || isUnixPeer(request)) return this.#isProvenProxy(request);
    return this.#frontProxies.has(plainAddress(request.socket.remoteAddress ?? ''));
  }

  /**
   * Returns whether a request shows the secret, which only the proxy can read, or came by the Unix socket, where file
   * permissions stand for it.
   */
  #isProvenProxy(request: IncomingMessage): boolean {
    if (isUnixPeer(request)) return true;
    if (this.#secretHash === undefined) return false;
    return timingSafeEqual(hash(String(request.headers['x-proxy-secret'] ?? '')), this.#secretHash);
  }
}

/** Returns the key under which limits count an address: of IPv6 the /64 network, because a client may use all of it. */
export function rateLimitKey(text: string): string {
  const address = plainAddress(text);
  if (!address.includes(':') || isIP(address) !== 6) return address;
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

/** Hashes a secret, because `timingSafeEqual` compares buffers of equal length only. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
