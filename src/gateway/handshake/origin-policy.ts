import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { Settings } from '../../settings/settings.js';
import { ClientAddress } from './client-address.js';
import type { HandshakeRejection } from './rejection.js';

const ANY = '*';
const LOOPBACK = /^(localhost|(.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Which web pages may connect. A browser lets any page open a WebSocket to anywhere and only says where the page is from,
 * so that the server has to look (RFC 6455, 10.2). Programs that are no browsers send no `Origin` and pass.
 */
@Injectable()
export class OriginPolicy {
  readonly #exact: ReadonlySet<string>;
  /** Of `https://*.example.com`, what stands before and behind the one label. */
  readonly #wildcards: readonly (readonly [before: string, behind: string])[];
  readonly #hosts: ReadonlySet<string>;
  readonly #loopback: boolean;

  constructor(
    private readonly addresses: ClientAddress,
    { allowedOrigins, allowedHosts, production }: Settings,
  ) {
    const [wildcards, exact] = partition(allowedOrigins, (origin) => origin.includes('://*.'));
    this.#exact = new Set(exact.map((origin) => (origin === ANY ? ANY : new URL(origin).origin)));
    this.#wildcards = wildcards.map((origin) => {
      const { protocol, host } = new URL(origin.replace('*.', ''));
      return [`${protocol}//`, `.${host}`];
    });
    this.#hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
    this.#loopback = !production;
  }

  /** Returns why a page, or a name by which this server is asked for, is refused. */
  refusal(request: IncomingMessage): HandshakeRejection | undefined {
    const { host = '', origin } = request.headers;
    if (this.#hosts.size > 0 && !this.#hosts.has(url(`http://${host}`)?.hostname ?? ''))
      return { code: 'origin_not_allowed', message: 'This server does not go by this host name.' };
    return origin === undefined || this.#allows(origin, host, request) ? undefined : { code: 'origin_not_allowed' };
  }

  #allows(origin: string, host: string, request: IncomingMessage): boolean {
    if (this.#exact.has(ANY)) return true;
    const page = url(origin);
    if (page === undefined || page.origin === 'null') return false;
    return (
      this.#exact.has(page.origin) ||
      this.#wildcards.some(([before, behind]) => isOneLabel(page.origin, before, behind)) ||
      (this.#loopback && LOOPBACK.test(page.hostname)) ||
      this.#isSame(page, host, request)
    );
  }

  /** A page of this very host and port; what came by TLS must be a page that came by TLS. */
  #isSame(page: URL, host: string, request: IncomingMessage): boolean {
    if (page.protocol === 'http:' && this.#isSecure(request)) return false;
    return url(`${page.protocol}//${host}`)?.host === page.host;
  }

  #isSecure(request: IncomingMessage): boolean {
    if (request.socket instanceof TLSSocket) return true;
    return request.headers['x-forwarded-proto'] === 'https' && this.addresses.trusts(request);
  }
}

function isOneLabel(origin: string, before: string, behind: string): boolean {
  if (!origin.startsWith(before) || !origin.endsWith(behind)) return false;
  const label = origin.slice(before.length, -behind.length);
  return label !== '' && !label.includes('.');
}

function url(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function partition<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [items.filter(first), items.filter((item) => !first(item))];
}
