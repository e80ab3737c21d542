import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CertificateSubject } from '../../sessions/identity.js';
import type { ClientAddress } from './client-address.js';

/** Where nginx puts a certificate that it has verified: PEM, with percent signs. */
const HEADER = 'x-client-certificate';

/**
 * Returns the subject of the certificate that a client showed to the proxy. Anybody can write this header, so it is
 * believed of a trusted proxy that has proven itself by the secret, and of nobody else.
 */
export function provenSubject(request: IncomingMessage, proxies: ClientAddress): CertificateSubject | undefined {
  const text = request.headers[HEADER];
  if (typeof text !== 'string' || !proxies.hasProven(request)) return undefined;
  try {
    return { ...new X509Certificate(decodeURIComponent(text)).toLegacyObject().subject };
  } catch {
    return undefined;
  }
}
