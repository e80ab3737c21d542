import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { AllowedOrigins, hostName, originAt, toOrigin } from '../../settings/origins.js';
import { Settings } from '../../settings/settings.js';
import { Log } from '../../telemetry/log.js';
import { ClientAddress } from './client-address.js';
import type { HandshakeRejection } from '../http/rejection.js';

const LOOPBACK = /^https?:\/\/((.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;
const NULL_LISTED =
  'ALLOWED_ORIGINS lists null, which any web page can send from a sandboxed frame: serve the page from a host, or set AUTH';
/** Longest text of a client in a reason for the log. */
const MAX_CHARACTERS = 200;

/**
 * Checks the `Origin` header, because a browser lets any page open a WebSocket to any server (RFC 6455, 10.2). Requests
 * without `Origin` pass: they come from programs, not from pages.
 */
@Injectable()
export class OriginPolicy {
  readonly #allowed: AllowedOrigins;
  readonly #hosts: ReadonlySet<string>;
  readonly #loopback: boolean;
  /** Paths for probes, in any case, as Express matches them. */
  readonly #health: RegExp;
  readonly #metrics: RegExp;

  constructor(
    private readonly addresses: ClientAddress,
    { allowedOrigins, allowedHosts, production, endpointPrefix }: Settings,
    log: Log,
  ) {
    this.#allowed = new AllowedOrigins(allowedOrigins);
    if (production && this.#allowed.has('null')) log.warn(NULL_LISTED);
    this.#hosts = new Set(allowedHosts.map(hostName));
    this.#loopback = !production;
    const base = endpointPrefix.replaceAll('.', '\\.');
    this.#health = new RegExp(`^${base}/health(/|$)`, 'i');
    this.#metrics = new RegExp(`^${base}/metrics/?$`, 'i');
  }

  /** Returns why the origin or the `Host` of a handshake is rejected, `undefined` where both are allowed. */
  rejection(request: IncomingMessage): HandshakeRejection | undefined {
    const { host = '', origin } = request.headers;
    if (this.#hosts.size > 0 && !this.#hosts.has(hostName(host))) return wrongHost(host);
    if (origin === undefined || this.#allows(origin, host, request)) return undefined;
    return { code: 'origin_not_allowed', reason: `${clipped(origin)} is not in ALLOWED_ORIGINS` };
  }

  /**
   * Returns why the `Host` of a request that is not a handshake is rejected. Health checks pass under any `Host`.
   * Metrics pass under an IP address, because DNS rebinding needs a name.
   *
   * @param path of the request, without its query
   */
  hostRejection(path: string, { headers }: IncomingMessage): HandshakeRejection | undefined {
    if (this.#hosts.size === 0 || this.#health.test(path)) return undefined;
    const name = hostName(headers.host ?? '');
    return this.#hosts.has(name) || (this.#metrics.test(path) && isAddress(name))
      ? undefined
      : wrongHost(headers.host ?? '');
  }

  #allows(text: string, host: string, request: IncomingMessage): boolean {
    if (this.#allowed.any) return true;
    const origin = toOrigin(text);
    if (origin === undefined) return false;
    return (
      this.#allowed.has(origin) ||
      (this.#loopback && LOOPBACK.test(origin)) ||
      this.#isSameOrigin(origin, host, request)
    );
  }

  /** Returns whether a page has the host and port of this request. A request over TLS requires a page over TLS. */
  #isSameOrigin(origin: string, host: string, request: IncomingMessage): boolean {
    if (origin.startsWith('http://') && this.addresses.isSecure(request)) return false;
    return originAt(origin, host) === origin;
  }
}

/** @param host the `Host` header */
function wrongHost(host: string): HandshakeRejection {
  const reason = `${clipped(hostName(host) || host)} is not in ALLOWED_HOSTS`;
  return { code: 'origin_not_allowed', message: 'This host name is not allowed.', reason };
}

function clipped(text: string): string {
  return text.slice(0, MAX_CHARACTERS);
}

function isAddress(name: string): boolean {
  return name === 'localhost' || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}
