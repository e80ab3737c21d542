import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { rejectionBody, HANDSHAKE_REJECTIONS, type HandshakeRejectionCode } from '../../protocol/index.js';

/** What stands before the path in a request of the absolute form (RFC 9112, 3.2.2). */
const ORIGIN = /^https?:\/\/[^/?#]*/i;

type Headers = Readonly<Record<string, string | number>>;

/** A no before the upgrade: its code, a sentence where the table's own is too general, and what its status asks for. */
export interface HandshakeRejection {
  readonly code: HandshakeRejectionCode;
  readonly message?: string;
  readonly headers?: Headers;
}

/** Answers an upgrade with a complete HTTP response and closes the connection. @param method that of the request, if it had one */
export function rejectUpgrade(
  socket: Duplex,
  { code, message, headers = {} }: HandshakeRejection,
  method?: string,
): void {
  const { status } = HANDSHAKE_REJECTIONS[code];
  const body = rejectionBody(code, message);
  const connection = headers['Connection'] === undefined ? 'close' : `${headers['Connection']}, close`;
  const lines = Object.entries({ ...headers, ...bodyHeaders(body), Connection: connection }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${method === 'HEAD' ? '' : body}`);
}

/** Answers a plain request. */
export function rejectRequest(response: ServerResponse, { code, message, headers = {} }: HandshakeRejection): void {
  const body = rejectionBody(code, message);
  const { Connection } = headers;
  // Node leaves this header to whoever writes it, the end of the connection included.
  const connection = Connection === undefined || response.shouldKeepAlive ? {} : { Connection: `${Connection}, close` };
  response.writeHead(HANDSHAKE_REJECTIONS[code].status, { ...headers, ...connection, ...bodyHeaders(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The path of a request, without its query; never throws, whatever was sent. */
export function requestPath(request: IncomingMessage): string {
  const url = (request.url ?? '').replace(ORIGIN, '');
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

function bodyHeaders(body: string): Headers {
  return { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) };
}
