import { BlockList, isIP } from 'node:net';
import { isApplicationType } from '../protocol/index.js';
import { Check, invalidEntry, OneOf, OnOff, requires, WholeNumber } from './check.js';
import { isAllowedOrigin, isHostName } from './origins.js';
import { Setting } from './setting.js';

/** RFC 7518, 3.2: a key of HS256 is at least as long as its hash. */
const MIN_SECRET_BYTES = 32;
const MAX_RESERVED_TYPES = 64;
/** More than a content delivery network publishes; each handshake through a proxy is compared with all of them. */
const MAX_FRONT_PROXIES = 512;
/** IPv4 addresses in their IPv6 form (RFC 4291, 2.5.5.2). */
const MAPPED = new BlockList();
MAPPED.addSubnet('::ffff:0:0', 96, 'ipv6');

/** Which sessions may use rooms, or users as receivers: all, those with a user, or none. */
export type GroupAccess = 'open' | 'token' | 'off';

/** Which clients may connect, how they prove their identity, and through which proxies. */
export class AccessSettings {
  @Setting(
    'text',
    '`production`, or another word while developing; `production` rejects settings that are unsafe on the Internet.',
  )
  @Check((value: string | undefined) =>
    value === undefined || /^[a-z]+$/.test(value) ? undefined : 'must be a word of lower-case letters',
  )
  nodeEnv: string | undefined;

  @Setting(
    'list',
    'Origins that may connect besides that of this server: `https://app.example.com`, `https://*.example.com`, `capacitor://localhost`, `moz-extension://*`, `null`; `*` allows every origin. See [clients.md](clients.md#origins).',
  )
  @Check((origins: readonly string[], { allowAnyOrigin, nodeEnv }: AccessSettings) => {
    const problem = invalidEntry(origins, isAllowedOrigin, 'origins such as https://app.example.com');
    if (problem !== undefined) return problem;
    return origins.includes('*') && isProduction(nodeEnv) && allowAnyOrigin !== 'yes'
      ? 'allows every origin; set ALLOW_ANY_ORIGIN=yes to confirm'
      : undefined;
  })
  allowedOrigins!: readonly string[];

  @Setting('text', 'Confirms `ALLOWED_ORIGINS=*` in production: `yes` or `no`.')
  @OneOf('yes', 'no')
  allowAnyOrigin!: 'yes' | 'no';

  @Setting(
    'list',
    'Host names, without a port, that the `Host` header may name; other handshakes and requests, health checks apart, are rejected with 403. Empty: any host.',
  )
  @Check((hosts: readonly string[]) => invalidEntry(hosts, isHostName, 'host names such as example.com'))
  allowedHosts!: readonly string[];

  @Setting(
    'list',
    'Addresses and networks of the proxies and load balancers in front. Their headers about the address and the protocol of a client are trusted. At most 512.',
    { former: 'TRUSTED_PROXIES' },
  )
  @Check((networks: readonly string[]) => {
    if (networks.length > MAX_FRONT_PROXIES) return `must list at most ${MAX_FRONT_PROXIES} addresses or networks`;
    return invalidEntry(networks, isNetwork, 'addresses or networks such as 10.0.0.0/8 or 2001:db8::/32');
  })
  frontProxies!: readonly string[];

  @Setting(
    'text',
    'File with the secret that a proxy sends in `X-Proxy-Secret`; created at the first start. With a secret, only proxies that send it are trusted.',
  )
  proxySecretFile: string | undefined;

  @Setting(
    'text',
    'Whether a connection needs a token: `off`, `optional` (a token that is sent must be valid) or `required`.',
  )
  @Check((value: unknown, { authSecret, authJwks }: AccessSettings) => {
    if (value !== 'off' && value !== 'optional' && value !== 'required') return 'must be off, optional or required';
    return value !== 'off' && authSecret === undefined && authJwks === undefined
      ? 'needs AUTH_SECRET or AUTH_JWKS'
      : undefined;
  })
  auth!: 'off' | 'optional' | 'required';

  @Setting('text', 'Secret of tokens signed with HS256; at least 32 bytes.', { secret: true })
  @Check((value: string | undefined) =>
    value === undefined || Buffer.byteLength(value) >= MIN_SECRET_BYTES ? undefined : 'must have at least 32 bytes',
  )
  authSecret: string | undefined;

  @Setting('text', 'URL or file of the public keys (JWKS) of tokens signed with RS256, ES256 or EdDSA.')
  @Check((value: string | undefined, { nodeEnv }: AccessSettings) =>
    isProduction(nodeEnv) && value?.startsWith('http://') ? 'must be https in production' : undefined,
  )
  authJwks: string | undefined;

  @Setting(
    'number',
    'Milliseconds that the last keys of an `AUTH_JWKS` URL stay in use while it cannot be loaded; at least 10 minutes and 10 s, so that a refresh has ended.',
  )
  @WholeNumber({ unit: 'milliseconds' })
  authKeysMaxAgeMs!: number;

  @Setting('text', 'Required value of `iss` in a token. Not set: any.')
  authIssuer: string | undefined;

  @Setting('text', 'Required value of `aud` in a token, or one of its values. Not set: any.')
  authAudience: string | undefined;

  @Setting('number', 'Milliseconds by which the clock of the token issuer may differ from the clock of this server.')
  @WholeNumber({ unit: 'milliseconds', max: 300_000 })
  authSkewMs!: number;

  @Setting(
    'switch',
    'Whether other sessions see the user of a session, in `sys.arrived`, `sys.joined`, `sys.sessions` and `sys.members`. Not limited by `USERS`, the right `see` or an `AccessPolicy`.',
  )
  @OnOff()
  showUsers!: boolean;

  @Setting(
    'switch',
    'Whether sessions may list all connected sessions (`sys.who` without a receiver). `ROOMS` and `USERS` decide for rooms and users.',
  )
  @OnOff()
  who!: boolean;

  @Setting(
    'text',
    'Which sessions may join rooms, send to them and list their members: `open` (all), `token` (those with a user) or `off` (none). An `AccessPolicy` or the claim `switchboard` of a token decides first, see [protocol.md](protocol.md#access-to-users-and-rooms).',
  )
  @OneOf('open', 'token', 'off')
  rooms!: GroupAccess;

  @Setting(
    'text',
    'Which sessions may send to users, list their sessions and watch them: `open`, `token` or `off`, as for `ROOMS`.',
  )
  @OneOf('open', 'token', 'off')
  users!: GroupAccess;

  @Setting(
    'switch',
    'Whether sessions may send messages to sessions, users, rooms and `*`; `off` answers `forbidden`. Handled messages are not affected.',
  )
  @OnOff()
  directMessages!: boolean;

  @Setting(
    'list',
    'Types that only handlers and the HTTP API may send: `poll.opened`, or `poll.*` for all that begin so; others get `reserved_type`. At most 64.',
  )
  @Check((types: readonly string[]) => {
    if (types.length > MAX_RESERVED_TYPES) return `must list at most ${MAX_RESERVED_TYPES} types`;
    const isValid = (entry: string): boolean => isApplicationType(entry.replace(/\*$/, ''));
    return invalidEntry(types, isValid, 'types such as poll.opened, or beginnings of types such as poll.*');
  })
  reservedTypes!: readonly string[];

  @Setting('text', 'Certificate file (PEM, with its chain); the process then serves TLS itself.')
  @Check((value: unknown, { tlsKeyFile }: AccessSettings) => requires(value, tlsKeyFile, 'TLS_KEY_FILE'))
  tlsCertFile: string | undefined;

  @Setting('text', 'Private key file of `TLS_CERT_FILE`.')
  @Check((value: unknown, { tlsCertFile }: AccessSettings) => requires(value, tlsCertFile, 'TLS_CERT_FILE'))
  tlsKeyFile: string | undefined;

  @Setting('text', 'CA certificate file (PEM); every client must then present a certificate of this CA.')
  @Check((value: unknown, { tlsCertFile }: AccessSettings) => requires(value, tlsCertFile, 'TLS_CERT_FILE'))
  tlsClientCaFile: string | undefined;

  @Setting('number', 'Milliseconds between two checks of the TLS files; changed files are reloaded. 0: never.')
  @WholeNumber({ unit: 'milliseconds' })
  tlsReloadMs!: number;
}

/** Returns whether settings that are only safe while developing are rejected. */
export function isProduction(nodeEnv: string | undefined): boolean {
  return nodeEnv === 'production';
}

/**
 * Returns whether a text is an address or a network that nginx reads in the same way: without a zone, without leading
 * zeros, and an IPv4 address not in its IPv6 form.
 */
function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || !/^(0|[1-9]\d*)$/.test(bits)) return false;
  if (family === 4) return Number(bits) <= 32;
  return Number(bits) <= 128 && !address.includes('%') && !MAPPED.check(address, 'ipv6');
}
