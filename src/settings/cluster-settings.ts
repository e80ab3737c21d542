import { Check } from './check.js';
import { LimitSettings } from './limit-settings.js';
import { Setting } from './setting.js';

const SERVER = /^(nats|tls):\/\/[^\s/@]+$/;
const MAX_TIMEOUT_MS = 600_000;

/** How this node finds the others, where it is not alone. */
export abstract class ClusterSettings extends LimitSettings {
  @Setting('text', 'How nodes talk: `local` (there is one), `nats`, or `auto`: `nats` once its name is known.')
  @Check((value: unknown, { natsUrl }) => {
    if (value !== 'local' && value !== 'nats' && value !== 'auto') return 'must be local, nats or auto';
    return value !== 'local' && natsUrl.length === 0 ? 'needs NATS_URL' : undefined;
  })
  backplane!: 'local' | 'nats' | 'auto';

  @Setting('list', 'NATS servers, `nats://HOST:PORT` or `tls://HOST:PORT`; any of them is used.', { secret: true })
  @Check((servers: readonly string[]) => {
    const wrong = servers.findIndex((server) => !SERVER.test(server));
    return wrong === -1
      ? undefined
      : `must list servers such as nats://127.0.0.1:4222, without a user, and entry ${wrong + 1} is none`;
  })
  natsUrl!: readonly string[];

  @Setting('text', 'First word of all NATS subjects; nodes with the same one are one cluster.')
  @Check((value: unknown) =>
    typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? undefined : 'must be 1 to 64 of A-Za-z0-9_-',
  )
  natsSubject!: string;

  @Setting('text', 'User name for NATS.')
  natsUser: string | undefined;

  @Setting('text', 'Password of that user.', { secret: true })
  @Check((value: unknown, { natsUser }) =>
    value !== undefined && natsUser === undefined ? 'needs NATS_USER beside it' : undefined,
  )
  natsPassword: string | undefined;

  @Setting('text', 'Token for NATS, in place of a user; at least 8 characters.', { secret: true })
  @Check((value: string | undefined, { natsUser }) => {
    if (value === undefined) return undefined;
    if (natsUser !== undefined) return 'stands in place of NATS_USER: one of them must go';
    return /^[\x21-\x7e]{8,}$/.test(value) ? undefined : 'must have at least 8 characters, none of them a space';
  })
  natsToken: string | undefined;

  @Setting('text', 'Credentials file (`.creds`) for NATS, in place of a user.')
  natsCredsFile: string | undefined;

  @Setting('text', 'Authority file (PEM) that the certificate of NATS must come from; set, NATS must speak TLS.')
  natsTlsCaFile: string | undefined;

  @Setting('text', 'Certificate file (PEM) by which this node proves itself to NATS.')
  @Check((value: unknown, { natsTlsKeyFile }) =>
    value !== undefined && natsTlsKeyFile === undefined ? 'needs NATS_TLS_KEY_FILE beside it' : undefined,
  )
  natsTlsCertFile: string | undefined;

  @Setting('text', 'Private key file of that certificate.')
  @Check((value: unknown, { natsTlsCertFile }) =>
    value !== undefined && natsTlsCertFile === undefined ? 'needs NATS_TLS_CERT_FILE beside it' : undefined,
  )
  natsTlsKeyFile: string | undefined;

  @Setting('number', 'Milliseconds in which another node must answer; then `unavailable`.')
  @Check((value: unknown) => within(value, 20))
  backplaneTimeoutMs!: number;

  @Setting('number', 'Milliseconds of silence after which another node is dead; at least twice `BACKPLANE_TIMEOUT_MS`.')
  @Check((value: unknown, { backplaneTimeoutMs }) => {
    const problem = within(value, 200);
    // A message that still waits for its deadline must not outlive the session it came from.
    return (
      problem ?? (Number(value) < 2 * backplaneTimeoutMs ? 'must be at least twice BACKPLANE_TIMEOUT_MS' : undefined)
    );
  })
  nodeTimeoutMs!: number;
}

function within(value: unknown, least: number): string | undefined {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= MAX_TIMEOUT_MS
    ? undefined
    : `must be a whole number of milliseconds from ${least} to ${MAX_TIMEOUT_MS}`;
}
