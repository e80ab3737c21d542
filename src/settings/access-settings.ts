import { isIP } from 'node:net';
import { Check, Count, OnOff } from './check.js';
import { ClusterSettings } from './cluster-settings.js';
import { Setting } from './setting.js';

/** An origin as a browser sends it, or every origin one label below a host. */
const ORIGIN = /^https?:\/\/(\*\.)?([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;
const HOST = /^([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])$/i;
/** RFC 7518, 3.2: a key of HS256 is at least as long as its hash. */
const MIN_SECRET_BYTES = 32;

/** Who may come in, by what proof, and through whom. */
export abstract class AccessSettings extends ClusterSettings {
  @Setting('text', 'What the process is for: `production`, or anything else while developing.')
  @Check((value: string | undefined) => (value === undefined || /^[a-z]+$/.test(value) ? undefined : 'must be a word'))
  nodeEnv: string | undefined;

  @Setting(
    'list',
    'Origins of web pages that may connect beside our own: `https://app.example.com`, `https://*.example.com`; `*` is every page.',
  )
  @Check((origins: readonly string[], { allowAnyOrigin, production }) => {
    const wrong = origins.find((origin) => origin !== '*' && !ORIGIN.test(origin));
    if (wrong !== undefined) return `must list origins such as https://app.example.com, and ${wrong} is none`;
    return origins.includes('*') && production && allowAnyOrigin !== 'yes'
      ? 'lets every web page in: say ALLOW_ANY_ORIGIN=yes beside it if that is meant'
      : undefined;
  })
  allowedOrigins!: readonly string[];

  @Setting('text', 'Confirms `ALLOWED_ORIGINS=*` in production: `yes` or `no`.')
  @Check((value: unknown) => (value === 'yes' || value === 'no' ? undefined : 'must be yes or no'))
  allowAnyOrigin!: 'yes' | 'no';

  @Setting('list', 'Host names, without a port, under which this server is asked for; none is any.')
  @Check((hosts: readonly string[]) => badEntry(hosts, (host) => HOST.test(host), 'host names such as example.com'))
  allowedHosts!: readonly string[];

  @Setting('list', 'Addresses and networks of proxies that are believed about the address of a client.')
  @Check((networks: readonly string[]) => badEntry(networks, isNetwork, 'addresses or networks such as 10.0.0.0/8'))
  trustedProxies!: readonly string[];

  @Setting('text', 'File of the secret by which a proxy proves itself in `X-Proxy-Secret`; made at the first start.')
  proxySecretFile: string | undefined;

  @Setting(
    'text',
    'Whether a connection needs a token: `off`, `optional` (one that is shown must be good) or `required`.',
  )
  @Check((value: unknown, { authSecret, authJwks }) => {
    if (value !== 'off' && value !== 'optional' && value !== 'required') return 'must be off, optional or required';
    return value !== 'off' && authSecret === undefined && authJwks === undefined
      ? 'needs AUTH_SECRET or AUTH_JWKS'
      : undefined;
  })
  auth!: 'off' | 'optional' | 'required';

  @Setting('text', 'Secret of tokens signed with HS256, at least 32 bytes.', { secret: true })
  @Check((value: string | undefined) =>
    value === undefined || Buffer.byteLength(value) >= MIN_SECRET_BYTES ? undefined : 'must have at least 32 bytes',
  )
  authSecret: string | undefined;

  @Setting('text', 'URL or file of the public keys (JWKS) of tokens signed with RS256, ES256 or EdDSA.')
  @Check((value: string | undefined, { production }) =>
    production && value?.startsWith('http://') ? 'must be https in production' : undefined,
  )
  authJwks: string | undefined;

  @Setting('number', 'Milliseconds that the last keys of an `AUTH_JWKS` URL stay in use while it cannot be loaded.')
  @Count('milliseconds')
  authKeysMaxAgeMs!: number;

  @Setting('text', 'What `iss` in a token must be; not set is anything.')
  authIssuer: string | undefined;

  @Setting('text', 'What `aud` in a token must be or hold; not set is anything.')
  authAudience: string | undefined;

  @Setting('number', 'Milliseconds by which the clock of who makes tokens may differ from ours.')
  @Count('milliseconds', 300_000)
  authSkewMs!: number;

  @Setting('switch', 'Whether users are shown to others, in arrivals and in answers to `sys.who`.')
  @OnOff()
  showUsers!: boolean;

  @Setting('switch', 'Whether sessions may ask who is here (`sys.who`).')
  @OnOff()
  who!: boolean;

  @Setting('text', 'Certificate file (PEM, with its chain) of the process itself, which then speaks TLS.')
  @Check((value: unknown, { tlsKeyFile }) => together(value, tlsKeyFile, 'TLS_KEY_FILE'))
  tlsCertFile: string | undefined;

  @Setting('text', 'Private key file of that certificate.')
  @Check((value: unknown, { tlsCertFile }) => together(value, tlsCertFile, 'TLS_CERT_FILE'))
  tlsKeyFile: string | undefined;

  @Setting('text', 'Authority file (PEM) that a certificate of a client must come from; set, every client needs one.')
  @Check((value: unknown, { tlsCertFile }) => together(value, tlsCertFile, 'TLS_CERT_FILE'))
  tlsClientCaFile: string | undefined;

  @Setting('number', 'Milliseconds between two looks at those files; what has changed is taken up. 0 is never.')
  @Count('milliseconds')
  tlsReloadMs!: number;

  /** Whether mistakes that are handy while developing are refused. */
  get production(): boolean {
    return this.nodeEnv === 'production';
  }
}

function badEntry(entries: readonly string[], fits: (entry: string) => boolean, kind: string): string | undefined {
  const wrong = entries.find((entry) => !fits(entry));
  return wrong === undefined ? undefined : `must list ${kind}, and ${wrong} is none`;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const longest = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 && rest.length === 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= longest))
  );
}

function together(value: unknown, other: unknown, name: string): string | undefined {
  return value !== undefined && other === undefined ? `needs ${name} beside it` : undefined;
}
