import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { PASS_HEADER } from './passes.js';

/** Facts about the client that the node has resolved, in place of what the headers say. */
export interface ClientFacts {
  readonly address: string;
  readonly isSecure: boolean;
  /** Whether a trusted proxy has verified the certificate in `X-Client-Certificate`. */
  readonly hasCertificate: boolean;
}

/**
 * Headers that are not copied: those of one connection (RFC 9110, 7.6.1), those that {@link pipedRequest} writes itself, and
 * the secret of the proxy.
 */
const NOT_COPIED = new Set([
  'connection',
  'content-length',
  'forwarded',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-proxy-secret',
  'x-real-ip',
  PASS_HEADER,
]);
const CERTIFICATE_HEADER = 'x-client-certificate';

/** Encodes the upgrade request of a client again, for the node of its session. */
export function pipedRequest(request: IncomingMessage, pass: string, client: ClientFacts): Buffer {
  const { rawHeaders, url } = request;
  const lines = [`GET ${url} HTTP/1.1`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (NOT_COPIED.has(name) || (name === CERTIFICATE_HEADER && !client.hasCertificate)) continue;
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  }
  lines.push('Connection: Upgrade', 'Upgrade: websocket', `X-Forwarded-Proto: ${client.isSecure ? 'https' : 'http'}`);
  // A proxy at a Unix socket may send no address.
  if (isIP(client.address) !== 0) lines.push(`X-Forwarded-For: ${client.address}`, `X-Real-IP: ${client.address}`);
  lines.push(`Switchboard-Pass: ${pass}`);
  // Node reads headers as Latin-1.
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
