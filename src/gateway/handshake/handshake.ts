import { Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { NodeState } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { requestPath, type HandshakeRejection } from './rejection.js';

/** The version this server speaks (RFC 6455, 4.1). */
const VERSION = '13';
/** 16 bytes in base64 (RFC 6455, 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** A name or an address, perhaps with a port (RFC 9112, 3.2; RFC 3986, 3.2.2). */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(:\d*)?$/;
/** A list of tokens (RFC 6455, 4.1; RFC 9110, 5.6.2). */
const PROTOCOLS = /^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+(\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*\s*$/;

/** Says that a proxy must not pass `Upgrade` on as its own (RFC 9110, 7.8). */
const UPGRADE = { Upgrade: 'websocket', Connection: 'upgrade' };
const UPGRADE_REQUIRED: HandshakeRejection = { code: 'upgrade_required', headers: UPGRADE };
const WRONG_VERSION: HandshakeRejection = {
  code: 'upgrade_required',
  headers: { ...UPGRADE, 'Sec-WebSocket-Version': VERSION },
};
/** The one method there is. */
export const WRONG_METHOD: HandshakeRejection = { code: 'method_not_allowed', headers: { Allow: 'GET' } };

/** Decides about a request before the upgrade; where several refusals apply, the contract's order holds. */
@Injectable()
export class Handshake {
  readonly #path: string;
  readonly #draining: HandshakeRejection;

  constructor(
    settings: Settings,
    private readonly nodeState: NodeState,
  ) {
    this.#path = settings.wsPath;
    const seconds = Math.max(1, Math.ceil(settings.drainSpreadMs / 1000));
    this.#draining = { code: 'draining', headers: { 'Retry-After': seconds } };
  }

  /** Tells whether a request is for the WebSocket entry; a trailing slash and a query are allowed. */
  isEntry(request: IncomingMessage): boolean {
    const path = requestPath(request);
    return path === this.#path || path === `${this.#path}/`;
  }

  /** Returns why an upgrade is refused, or `undefined` where it is welcome. */
  refusal(request: IncomingMessage): HandshakeRejection | undefined {
    if (!this.isEntry(request)) return { code: 'not_found' };
    if (request.method !== 'GET') return WRONG_METHOD;
    return malformed(request) ?? (this.nodeState.phase === 'draining' ? this.#draining : undefined);
  }

  /** Returns why a plain request to the entry is refused: it always is. */
  plainRefusal(request: IncomingMessage): HandshakeRejection {
    if (request.method !== 'GET') return WRONG_METHOD;
    return mentionsWebSocket(request)
      ? { code: 'bad_handshake', message: 'Connection must be Upgrade and Upgrade websocket.' }
      : UPGRADE_REQUIRED;
  }
}

function malformed({ headers, rawHeaders, httpVersion }: IncomingMessage): HandshakeRejection | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return UPGRADE_REQUIRED;
  const version = headers['sec-websocket-version'];
  if (version !== undefined && version !== VERSION) return WRONG_VERSION;
  const message =
    (version === undefined && 'Sec-WebSocket-Version is missing.') ||
    (httpVersion !== '1.1' && 'The request must be HTTP/1.1.') ||
    (hasBody(headers) && 'The request must have no body.') ||
    (headers.host === undefined && 'Host is missing.') ||
    (!validHost(headers.host, rawHeaders) && 'Host is malformed.') ||
    (!KEY.test(headers['sec-websocket-key'] ?? '') && 'Sec-WebSocket-Key is missing or malformed.') ||
    (!validProtocols(headers['sec-websocket-protocol']) && 'Sec-WebSocket-Protocol is malformed.');
  return message ? { code: 'bad_handshake', message } : undefined;
}

/** A body would be read as frames here and as a body by a proxy in front. */
function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** One name, and one header with it: of several a proxy may have believed another (RFC 9112, 3.2). */
function validHost(host: string | undefined, rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (isHost(rawHeaders[index]!)) count++;
  return count === 1 && HOST.test(host ?? '');
}

function isHost(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'host';
}

/** A list of tokens, none of them twice. */
function validProtocols(header: string | undefined): boolean {
  if (header === undefined) return true;
  const names = header.split(',').map((name) => name.trim());
  return PROTOCOLS.test(header) && new Set(names).size === names.length;
}

function mentionsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' || headers['sec-websocket-key'] !== undefined;
}
