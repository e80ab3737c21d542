import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Settings } from '../../settings/settings.js';
import { ClientAddress } from './client-address.js';
import type { HandshakeRejection } from '../http/rejection.js';

const ANY = '*';
const LOOPBACK = /^(localhost|(.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const WRONG_HOST: HandshakeRejection = { code: 'origin_not_allowed', message: 'This host name is not allowed.' };

/**
 * Checks the `Origin` header, because a browser lets any page open a WebSocket to any server (RFC 6455, 10.2). Requests
 * without `Origin` pass: they come from programs, not from pages.
 */
@Injectable()
export class OriginPolicy {
  readonly #exact: ReadonlySet<string>;
  /** Prefix and suffix of each wildcard origin: `https://` and `.example.com` of `https://*.example.com`. */
  readonly #wildcards: readonly (readonly [prefix: string, suffix: string])[];
  readonly #hosts: ReadonlySet<string>;
  readonly #loopback: boolean;
  /** Paths for probes, in any case, as Express matches them. */
  readonly #health: RegExp;
  readonly #metrics: RegExp;

  constructor(
    private readonly addresses: ClientAddress,
    { allowedOrigins, allowedHosts, production, endpointPrefix }: Settings,
  ) {
    const [wildcards, exact] = partition(allowedOrigins, (origin) => origin.includes('://*.'));
    this.#exact = new Set(exact.map((origin) => (origin === ANY ? ANY : new URL(origin).origin)));
    this.#wildcards = wildcards.map((origin) => {
      const { protocol, host } = new URL(origin.replace('*.', ''));
      return [`${protocol}//`, `.${host}`];
    });
    this.#hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
    this.#loopback = !production;
    const base = endpointPrefix.replaceAll('.', '\\.');
    this.#health = new RegExp(`^${base}/health(/|$)`, 'i');
    this.#metrics = new RegExp(`^${base}/metrics/?$`, 'i');
  }

  /** Returns why the origin or the `Host` of a handshake is rejected, `undefined` where both are allowed. */
  rejection(request: IncomingMessage): HandshakeRejection | undefined {
    const { host = '', origin } = request.headers;
    if (this.#hosts.size > 0 && !this.#hosts.has(nameOf(host))) return WRONG_HOST;
    return origin === undefined || this.#allows(origin, host, request) ? undefined : { code: 'origin_not_allowed' };
  }

  /**
   * Returns why the `Host` of a request that is not a handshake is rejected. Health checks pass under any `Host`.
   * Metrics pass under an IP address, because DNS rebinding needs a name.
   *
   * @param path of the request, without its query
   */
  hostRejection(path: string, { headers }: IncomingMessage): HandshakeRejection | undefined {
    if (this.#hosts.size === 0 || this.#health.test(path)) return undefined;
    const name = nameOf(headers.host ?? '');
    return this.#hosts.has(name) || (this.#metrics.test(path) && isAddress(name)) ? undefined : WRONG_HOST;
  }

  #allows(origin: string, host: string, request: IncomingMessage): boolean {
    if (this.#exact.has(ANY)) return true;
    const page = url(origin);
    if (page === undefined || page.origin === 'null') return false;
    return (
      this.#exact.has(page.origin) ||
      this.#wildcards.some(([prefix, suffix]) => matchesOneLabel(page.origin, prefix, suffix)) ||
      (this.#loopback && LOOPBACK.test(page.hostname)) ||
      this.#isSameOrigin(page, host, request)
    );
  }

  /** Returns whether a page has the host and port of this request. A request over TLS requires a page over TLS. */
  #isSameOrigin(page: URL, host: string, request: IncomingMessage): boolean {
    if (page.protocol === 'http:' && this.addresses.isSecure(request)) return false;
    return url(`${page.protocol}//${host}`)?.host === page.host;
  }
}

/** Returns the name of a `Host` header without its port; an empty string where the header is malformed. */
function nameOf(host: string): string {
  return url(`http://${host}`)?.hostname ?? '';
}

function isAddress(name: string): boolean {
  return name === 'localhost' || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

/** Returns whether exactly one DNS label stands between prefix and suffix. */
function matchesOneLabel(origin: string, prefix: string, suffix: string): boolean {
  if (!origin.startsWith(prefix) || !origin.endsWith(suffix)) return false;
  const label = origin.slice(prefix.length, -suffix.length);
  return label !== '' && !label.includes('.');
}

function url(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function partition<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [items.filter(first), items.filter((item) => !first(item))];
}
