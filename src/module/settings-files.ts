import { checkNatsFiles } from '../cluster/nats/nats-access.js';
import type { Settings } from '../settings/settings.js';
import { KeySet } from '../gateway/auth/key-set.js';
import { readProxySecret } from '../gateway/handshake/proxy-secret.js';
import { readTlsFiles } from '../gateway/tls/tls-files.js';

/**
 * Checks every file that the settings name. Runs before anything starts, so that a bad file ends the start with one
 * line.
 *
 * @throws {SettingsError} when a file cannot be used
 */
export function checkFiles(settings: Settings): void {
  const { proxySecretFile, auth, authJwks, authKeysMaxAgeMs } = settings;
  if (proxySecretFile !== undefined) readProxySecret(proxySecretFile);
  if (auth !== 'off' && authJwks !== undefined) KeySet.of(authJwks, authKeysMaxAgeMs);
  readTlsFiles(settings);
  checkNatsFiles(settings);
}
