import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { NodeState } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { PROTOCOL_PARAMETER, SUBPROTOCOL } from '../../protocol/index.js';
import { wantsWebSocket } from '../http/http-request.js';
import type { HandshakeRejection } from '../http/rejection.js';
import { hasBody } from '../http/transfer-watch.js';
import { MALFORMED_OFFER, readResumeOffer } from '../returns/return-offers.js';

/** The scheme and host of a request target in absolute form (RFC 9112, 3.2.2). */
const SCHEME_AND_HOST = /^https?:\/\/[^/?#]*/i;
/** The WebSocket version (RFC 6455, 4.1). */
const VERSION = '13';
/** 16 bytes in base64 (RFC 6455, 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** A host name or address with an optional port (RFC 9112, 3.2; RFC 3986, 3.2.2). */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(:\d*)?$/;
/**
 * Matches a `Sec-WebSocket-Protocol` header: subprotocol names with commas between (RFC 6455, 4.1; RFC 9110, 5.6.2).
 */
const PROTOCOLS = /^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+(\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*\s*$/;

/** `Connection: upgrade`, because a proxy must not forward `Upgrade` (RFC 9110, 7.8). */
const UPGRADE = { Upgrade: 'websocket', Connection: 'upgrade' };
const UPGRADE_REQUIRED: HandshakeRejection = { code: 'upgrade_required', headers: UPGRADE };
const WRONG_VERSION: HandshakeRejection = {
  code: 'upgrade_required',
  headers: { ...UPGRADE, 'Sec-WebSocket-Version': VERSION },
};
export const WRONG_METHOD: HandshakeRejection = { code: 'method_not_allowed', headers: { Allow: 'GET' } };

/** Checks upgrade requests: path, method, headers, drain. The first failed check, in this order, is the rejection. */
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

  /** Returns whether a request is for `WS_PATH`; a trailing slash and a query are allowed. */
  isWebSocketPath(request: IncomingMessage): boolean {
    if (request.url === this.#path) return true; // nearly every request
    const path = requestPath(request);
    return path === this.#path || path === `${this.#path}/`;
  }

  /** Returns why an upgrade is rejected, `undefined` where it is not. */
  rejection(request: IncomingMessage): HandshakeRejection | undefined {
    if (!this.isWebSocketPath(request)) return { code: 'not_found' };
    if (request.method !== 'GET') return WRONG_METHOD;
    return malformed(request) ?? (this.nodeState.phase === 'draining' ? this.#draining : undefined);
  }

  /** Returns why a request to `WS_PATH` that is not an upgrade is rejected. */
  plainRejection(request: IncomingMessage): HandshakeRejection {
    if (request.method !== 'GET') return WRONG_METHOD;
    return mentionsWebSocket(request)
      ? { code: 'bad_handshake', message: 'Connection must be Upgrade and Upgrade websocket.' }
      : UPGRADE_REQUIRED;
  }
}

/** Returns the path of a request without its query, for any request target. */
export function requestPath(request: IncomingMessage): string {
  const url = (request.url ?? '').replace(SCHEME_AND_HOST, '');
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

const NO_RESUME_OFFER =
  'Offer one of the subprotocols "resume" and "resume.TOKEN.FRAMES", or the header Switchboard-Resume with "new" or "TOKEN.FRAMES".';

function malformed(request: IncomingMessage): HandshakeRejection | undefined {
  const { headers, rawHeaders, httpVersion } = request;
  const version = headers['sec-websocket-version'];
  if (version !== undefined && version !== VERSION) return WRONG_VERSION;
  const message =
    (version === undefined && 'Sec-WebSocket-Version is missing.') ||
    (httpVersion !== '1.1' && 'The request must be HTTP/1.1.') ||
    // This server would read a body as frames and a proxy as a body: request smuggling.
    (hasBody(request) && 'The request must have no body.') ||
    (headers.host === undefined && 'Host is missing.') ||
    (!validHost(headers.host, rawHeaders) && 'Host is malformed.') ||
    (!KEY.test(headers['sec-websocket-key'] ?? '') && 'Sec-WebSocket-Key is missing or malformed.') ||
    protocolProblem(headers['sec-websocket-protocol']) ||
    (readResumeOffer(request) === MALFORMED_OFFER && NO_RESUME_OFFER);
  return message ? { code: 'bad_handshake', message } : undefined;
}

/** Requires exactly one valid `Host` header, because a proxy may use another one of several (RFC 9112, 3.2). */
function validHost(host: string | undefined, rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (isHost(rawHeaders[index]!)) count++;
  return count === 1 && HOST.test(host ?? '');
}

function isHost(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'host';
}

/**
 * Requires a list of tokens without duplicates (RFC 6455, 4.1), with `switchboard.v1` where one of them is a parameter.
 * A browser would drop the connection, because a parameter is never selected.
 */
function protocolProblem(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const names = header.split(',').map((name) => name.trim());
  if (!PROTOCOLS.test(header) || new Set(names).size < names.length) return 'Sec-WebSocket-Protocol is malformed.';
  if (names.includes(SUBPROTOCOL) || !names.some((name) => PROTOCOL_PARAMETER.test(name))) return undefined;
  return `Offer the subprotocol ${SUBPROTOCOL}, too, beside "bearer.TOKEN" or "resume".`;
}

function mentionsWebSocket(request: IncomingMessage): boolean {
  const { upgrade, 'sec-websocket-key': key } = request.headers;
  return upgrade === undefined ? key !== undefined : wantsWebSocket(request);
}
