import { Injectable } from '@nestjs/common';
import {
  connect,
  credsAuthenticator,
  type Authenticator,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { readFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { SettingsError } from '../../settings/environment.js';
import { Settings } from '../../settings/settings.js';

/** The time that one attempt to connect may take. */
const CONNECT_TIMEOUT_MS = 2000;
/** The status that NATS replies with where no client subscribes to the subject of a request. */
const NO_RESPONDERS = 503;

/** The part of a NATS connection that {@link NatsConnector} uses. */
export type NatsLink = Pick<
  NatsConnection,
  'publish' | 'subscribe' | 'flush' | 'close' | 'closed' | 'info' | 'getServer' | 'status'
>;

/** Opens connections to NATS. The simulation of the cluster replaces it. */
@Injectable()
export class NatsDialer {
  constructor(private readonly settings: Settings) {}

  /** Connects, or throws where no server of `NATS_URL` accepts this node within two seconds. */
  async dial(name: string): Promise<NatsLink> {
    return connect(natsOptions(this.settings, name));
  }

  /** Whether the name server knows at least one host of `NATS_URL`. */
  async anyHostResolves(): Promise<boolean> {
    const hosts = this.settings.natsUrl.map((server) => new URL(server).hostname);
    const results = await Promise.allSettled(hosts.map((host) => lookup(host)));
    return results.some(({ status }) => status === 'fulfilled');
  }
}

/** Checks that the files of the settings can be read. @throws {SettingsError} where one cannot be read */
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

/**
 * Returns the options of a connection to NATS. Reads the files each time, so that renewed ones are used. The client's
 * own reconnection is off, because it would send buffered messages late. The echo of the server is on, because the node
 * checks that its own messages come back.
 *
 * @throws {Error} where a file cannot be read
 */
function natsOptions(settings: Settings, name: string): NodeConnectionOptions {
  const { natsUrl, natsUser, natsPassword, natsToken, natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile } = settings;
  const usesTls = natsTlsCaFile !== undefined || natsUrl.some((server) => server.startsWith('tls://'));
  return {
    name,
    servers: [...natsUrl],
    reconnect: false,
    timeout: CONNECT_TIMEOUT_MS,
    ignoreClusterUpdates: false,
    ...(natsUser !== undefined && { user: natsUser }),
    ...(natsPassword !== undefined && { pass: natsPassword }),
    ...(natsToken !== undefined && { token: natsToken }),
    ...authenticator(settings),
    ...((usesTls || natsTlsCertFile !== undefined) && {
      tls: {
        ...(natsTlsCaFile !== undefined && { ca: readFileSync(natsTlsCaFile, 'utf8') }),
        ...(natsTlsCertFile !== undefined && { cert: readFileSync(natsTlsCertFile, 'utf8') }),
        ...(natsTlsKeyFile !== undefined && { key: readFileSync(natsTlsKeyFile, 'utf8') }),
      },
    }),
  };
}

function authenticator({ natsCredsFile }: Settings): { authenticator?: Authenticator } {
  return natsCredsFile === undefined ? {} : { authenticator: credsAuthenticator(readFileSync(natsCredsFile)) };
}

/** Whether a message is the reply of NATS itself to a request that no client gets. */
export function isNoResponders({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === NO_RESPONDERS;
}

/** Closes a connection. What was not sent is lost. */
export async function closeNow(connection: NatsLink): Promise<void> {
  await connection.close().catch(() => undefined);
}

/** Closes a connection once the server has everything that was published on it. */
export async function closeWhenSent(connection: NatsLink): Promise<void> {
  try {
    await connection.flush();
  } catch {
    // The connection was lost before everything was sent.
  }
  await closeNow(connection);
}
