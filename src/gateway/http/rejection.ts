import type { ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { rejectionBody, HANDSHAKE_REJECTIONS, type HandshakeRejectionCode } from '../../protocol/index.js';
import { endWith } from './socket-end.js';

type Headers = Readonly<Record<string, string | number>>;

/**
 * Rejects a request before the upgrade. `message` replaces the text of the table; `headers` belong to the status;
 * `reason` is for the log only.
 */
export interface HandshakeRejection {
  readonly code: HandshakeRejectionCode;
  /** Replaces the status of the table. */
  readonly status?: number;
  readonly message?: string;
  readonly reason?: string;
  readonly headers?: Headers;
}

/**
 * Answers an upgrade with a complete HTTP response and closes the connection.
 *
 * @param method of the request; `undefined` where it could not be parsed
 */
export function rejectUpgrade(
  socket: Duplex,
  { code, status = HANDSHAKE_REJECTIONS[code].status, message, headers = {} }: HandshakeRejection,
  method?: string,
): void {
  const body = rejectionBody(code, message);
  const connection = headers['Connection'] === undefined ? 'close' : `${headers['Connection']}, close`;
  const lines = Object.entries({ ...headers, ...bodyHeaders(body), Connection: connection }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  endWith(
    socket,
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${method === 'HEAD' ? '' : body}`,
  );
}

/** Answers a request that is not an upgrade; the connection stays open where keep-alive allows. */
export function rejectRequest(
  response: ServerResponse,
  { code, status = HANDSHAKE_REJECTIONS[code].status, message, headers = {} }: HandshakeRejection,
): void {
  const body = rejectionBody(code, message);
  const { Connection } = headers;
  // Node does not add `close` to a `Connection` header that the application sets.
  const connection = Connection === undefined || response.shouldKeepAlive ? {} : { Connection: `${Connection}, close` };
  response.writeHead(status, { ...headers, ...connection, ...bodyHeaders(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Answers a request with a JSON body that is not a rejection. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, bodyHeaders(body)).end(response.req.method === 'HEAD' ? undefined : body);
}

function bodyHeaders(body: string): Headers {
  return { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) };
}
