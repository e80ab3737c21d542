import { checkNatsFiles } from '../cluster/nats/nats-access.js';
import type { Settings } from '../settings/settings.js';
import { readKeyFile } from '../gateway/auth/file-keys.js';
import { isUrl } from '../gateway/auth/token-keys.js';
import { readProxySecret } from '../gateway/handshake/proxy-secret.js';
import { checkStateFolder } from '../resume/state/session-file.js';
import { readTlsFiles } from '../gateway/tls/tls-files.js';

/**
 * Checks every file that the settings name. Runs before anything starts, so that a bad file ends the start with one
 * line.
 *
 * @throws {SettingsError} when a file cannot be used
 */
export function checkFiles(settings: Settings): void {
  const { proxySecretFile, auth, authJwks } = settings;
  if (proxySecretFile !== undefined) readProxySecret(proxySecretFile);
  if (auth !== 'off' && authJwks !== undefined && !isUrl(authJwks)) readKeyFile(authJwks);
  readTlsFiles(settings);
  checkNatsFiles(settings);
  checkStateFolder(settings);
}
