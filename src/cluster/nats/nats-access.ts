import { credsAuthenticator, type Authenticator, type NodeConnectionOptions } from '@nats-io/transport-node';
import { readFileSync } from 'node:fs';
import { SettingsError } from '../../settings/environment.js';
import type { Settings } from '../../settings/settings.js';

/** How long one attempt to connect may take. */
const CONNECT_MS = 2000;

/**
 * How to connect to NATS. Reads the files anew each time, so that renewed ones are taken up. The client's own
 * reconnection is off: what it could not send would be sent late.
 */
export function natsAccess(settings: Settings, name: string): NodeConnectionOptions {
  const { natsUrl, natsUser, natsPassword, natsToken, natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile } = settings;
  const speaksTls = natsTlsCaFile !== undefined || natsUrl.some((server) => server.startsWith('tls://'));
  return {
    name,
    servers: [...natsUrl],
    reconnect: false,
    noEcho: true,
    timeout: CONNECT_MS,
    ignoreClusterUpdates: false,
    ...(natsUser !== undefined && { user: natsUser }),
    ...(natsPassword !== undefined && { pass: natsPassword }),
    ...(natsToken !== undefined && { token: natsToken }),
    ...authenticator(settings),
    ...((speaksTls || natsTlsCertFile !== undefined) && {
      tls: {
        ...(natsTlsCaFile !== undefined && { ca: readFileSync(natsTlsCaFile, 'utf8') }),
        ...(natsTlsCertFile !== undefined && { cert: readFileSync(natsTlsCertFile, 'utf8') }),
        ...(natsTlsKeyFile !== undefined && { key: readFileSync(natsTlsKeyFile, 'utf8') }),
      },
    }),
  };
}

/** Looks at the files that the settings name. @throws {SettingsError} where one cannot be read */
export function checkNatsFiles(settings: Settings): void {
  if (settings.backplane === 'local') return;
  const files = {
    NATS_CREDS_FILE: settings.natsCredsFile,
    NATS_TLS_CA_FILE: settings.natsTlsCaFile,
    NATS_TLS_CERT_FILE: settings.natsTlsCertFile,
    NATS_TLS_KEY_FILE: settings.natsTlsKeyFile,
  };
  const lines = Object.entries(files).flatMap(([variable, file]) => {
    try {
      if (file !== undefined) readFileSync(file);
      return [];
    } catch (error) {
      return [`${variable} cannot be read: ${(error as Error).message}`];
    }
  });
  if (lines.length > 0) throw new SettingsError(lines);
}

function authenticator({ natsCredsFile }: Settings): { authenticator?: Authenticator } {
  return natsCredsFile === undefined ? {} : { authenticator: credsAuthenticator(readFileSync(natsCredsFile)) };
}
