import { Check, requires, WholeNumber } from './check.js';
import { Setting } from './setting.js';

const SERVER = /^(nats|tls):\/\/[^\s/@]+$/;
const MAX_TIMEOUT_MS = 600_000;

/** How this node reaches the other nodes of its cluster. */
export class ClusterSettings {
  @Setting(
    'text',
    'Connection between nodes: `local` (a single node), `nats`, or `auto` (`nats` as soon as a host name of `NATS_URL` resolves).',
  )
  @Check((value: unknown, { natsUrl }: ClusterSettings) => {
    if (value !== 'local' && value !== 'nats' && value !== 'auto') return 'must be local, nats or auto';
    return value !== 'local' && natsUrl.length === 0 ? 'needs NATS_URL' : undefined;
  })
  backplane!: 'local' | 'nats' | 'auto';

  @Setting('list', 'NATS servers, `nats://HOST:PORT` or `tls://HOST:PORT`; the node connects to one of them.', {
    secret: true,
  })
  @Check((servers: readonly string[]) => {
    // An entry may hold a password, so that the message names its position only.
    const invalid = servers.findIndex((server) => !SERVER.test(server));
    return invalid === -1
      ? undefined
      : `must list servers such as nats://127.0.0.1:4222, without a user; entry ${invalid + 1} is not one`;
  })
  natsUrl!: readonly string[];

  @Setting('text', 'Prefix of all NATS subjects; nodes with the same prefix form one cluster.')
  @Check((value: unknown) =>
    typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value)
      ? undefined
      : 'must be 1 to 64 characters of A-Za-z0-9_-',
  )
  natsSubject!: string;

  @Setting('text', 'User name for NATS.')
  natsUser: string | undefined;

  @Setting('text', 'Password of `NATS_USER`.', { secret: true })
  @Check((value: unknown, { natsUser }: ClusterSettings) => requires(value, natsUser, 'NATS_USER'))
  natsPassword: string | undefined;

  @Setting('text', 'Token for NATS, instead of `NATS_USER`; at least 8 characters.', { secret: true })
  @Check((value: string | undefined, { natsUser }: ClusterSettings) => {
    if (value === undefined) return undefined;
    if (natsUser !== undefined) return 'cannot be combined with NATS_USER; remove one of them';
    return /^[\x21-\x7e]{8,}$/.test(value) ? undefined : 'must have at least 8 characters, none of them a space';
  })
  natsToken: string | undefined;

  @Setting('text', 'Credentials file (`.creds`) for NATS, instead of `NATS_USER`.')
  natsCredsFile: string | undefined;

  @Setting('text', 'CA certificate file (PEM) that verifies the certificate of NATS; NATS must then use TLS.')
  natsTlsCaFile: string | undefined;

  @Setting('text', 'Client certificate file (PEM) of this node for NATS.')
  @Check((value: unknown, { natsTlsKeyFile }: ClusterSettings) => requires(value, natsTlsKeyFile, 'NATS_TLS_KEY_FILE'))
  natsTlsCertFile: string | undefined;

  @Setting('text', 'Private key file of `NATS_TLS_CERT_FILE`.')
  @Check((value: unknown, { natsTlsCertFile }: ClusterSettings) =>
    requires(value, natsTlsCertFile, 'NATS_TLS_CERT_FILE'),
  )
  natsTlsKeyFile: string | undefined;

  @Setting('number', 'Milliseconds to wait for an answer of another node; then the message is answered `unavailable`.')
  @WholeNumber({ unit: 'milliseconds', min: 20, max: MAX_TIMEOUT_MS })
  backplaneTimeoutMs!: number;

  // A message that waits for its deadline must not outlive the session of its sender, hence the factor of two.
  @Setting(
    'number',
    'Milliseconds of silence after which another node is declared dead; at least twice `BACKPLANE_TIMEOUT_MS`.',
  )
  @Check((value: number, { backplaneTimeoutMs }: ClusterSettings) =>
    value < 2 * backplaneTimeoutMs ? 'must be at least twice BACKPLANE_TIMEOUT_MS' : undefined,
  )
  @WholeNumber({ unit: 'milliseconds', min: 200, max: MAX_TIMEOUT_MS })
  nodeTimeoutMs!: number;
}
