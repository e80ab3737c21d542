import { SignJWT, type CryptoKey } from 'jose';

export const SECRET = 'a secret of at least thirty-two bytes';
export const AUTH = { AUTH: 'required', AUTH_SECRET: SECRET, AUTH_SKEW_MS: '0' };

interface TokenOptions {
  readonly sub?: string;
  readonly expires?: number | string;
  readonly key?: Uint8Array | CryptoKey;
  readonly header?: { alg: string; kid?: string };
  readonly claims?: Record<string, unknown>;
}

/** Makes a token as an identity provider does; valid by default. */
export async function token({
  sub = 'ann',
  expires = '1h',
  key,
  header = { alg: 'HS256' },
  claims = {},
}: TokenOptions = {}) {
  const jwt = new SignJWT(claims).setProtectedHeader(header).setExpirationTime(expires);
  return (sub === '' ? jwt : jwt.setSubject(sub)).sign(key ?? new TextEncoder().encode(SECRET));
}

export const bearer = (jwt: string) => ({ headers: { authorization: `Bearer ${jwt}` } });

/** Makes a token with `alg: none`. */
export const unsigned = (claims: object): string =>
  `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;

/** Returns a time in seconds since 1970, this many seconds from now. */
export function soon(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}
