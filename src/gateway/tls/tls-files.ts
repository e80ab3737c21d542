import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { SettingsError } from '../../settings/environment.js';
import type { Settings } from '../../settings/settings.js';

/** Mozilla's intermediate TLS configuration of 2026; `nginx/` uses the same list. */
const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
].join(':');

/**
 * Reads and checks `TLS_CERT_FILE`, `TLS_KEY_FILE` and `TLS_CLIENT_CA_FILE`; `undefined` where TLS is not configured.
 *
 * @throws {SettingsError} with one line that names the setting, the file and the problem
 */
export function readTlsFiles({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: Settings): SecureContextOptions | undefined {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const cert = read('TLS_CERT_FILE', tlsCertFile);
  const key = read('TLS_KEY_FILE', tlsKeyFile);
  const ca = tlsClientCaFile === undefined ? undefined : read('TLS_CLIENT_CA_FILE', tlsClientCaFile);
  const certificate = wellFormed('TLS_CERT_FILE', tlsCertFile, 'certificate', () => new X509Certificate(cert));
  const privateKey = wellFormed('TLS_KEY_FILE', tlsKeyFile, 'private key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) fail('TLS_KEY_FILE', `${tlsKeyFile} is not the key of ${tlsCertFile}`);
  checkDates('TLS_CERT_FILE', tlsCertFile, certificate);
  if (ca !== undefined)
    checkDates(
      'TLS_CLIENT_CA_FILE',
      tlsClientCaFile!,
      wellFormed('TLS_CLIENT_CA_FILE', tlsClientCaFile!, 'certificate', () => new X509Certificate(ca)),
    );
  const context = { cert, key, ...(ca !== undefined && { ca }), ciphers: CIPHERS, minVersion: 'TLSv1.2' as const };
  wellFormed('TLS_CERT_FILE', tlsCertFile, 'certificate that OpenSSL accepts', () => createSecureContext(context));
  return context;
}

function read(variable: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    return fail(variable, `cannot be read: ${(error as Error).message}`);
  }
}

function wellFormed<T>(variable: string, file: string, kind: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    return fail(variable, `${file} holds no ${kind}`);
  }
}

function checkDates(variable: string, file: string, { validFrom, validTo }: X509Certificate): void {
  if (Date.parse(validTo) < Date.now()) fail(variable, `${file} expired on ${validTo}`);
  if (Date.parse(validFrom) > Date.now()) fail(variable, `${file} is not valid before ${validFrom}`);
}

function fail(variable: string, problem: string): never {
  throw new SettingsError([`${variable}: ${problem}`]);
}
