import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { webcrypto } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TOKEN_PREFIX } from '../../protocol/index.js';
import { toUser, USER_RULE, type TokenClaims } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { TokenKeys } from './token-keys.js';
import { TokenRefusal } from './token-refusal.js';

/** The scheme of tokens in `Authorization`. Headers of other schemes, such as Basic, are for another server. */
const BEARER = /^Bearer(?=$|[\s,])/i;
const BEARER_LENGTH = 'Bearer'.length;
const NO_TOKEN = Promise.resolve(new TokenRefusal('there is no token'));
const SEVERAL_TOKENS = Promise.resolve(new TokenRefusal('there are different tokens'));

/** The latest time of a `Date`, as Unix time in seconds (ECMA-262, 21.4.1.1). */
const MAX_DATE_S = 8.64e12;

/** The contents of a valid token. */
export interface VerifiedToken {
  readonly user: string;
  readonly claims: TokenClaims;
  /** Unix time in seconds. */
  readonly expiresAt: number;
}

/** Verifies tokens (JWT, RFC 7519). Each algorithm accepts its own kind of key only (RFC 8725, 3.1). */
@Injectable()
export class TokenVerifier {
  readonly #mode: Settings['auth'];
  /** Imported once, because an import costs more than a signature. */
  readonly #secret: Promise<webcrypto.CryptoKey> | undefined;
  readonly #rules: JWTVerifyOptions & { readonly algorithms: readonly string[] };

  constructor(
    { auth, authSecret, authIssuer, authAudience, authSkewMs }: Settings,
    private readonly keys: TokenKeys,
  ) {
    this.#mode = auth;
    this.#secret = authSecret === undefined ? undefined : importSecret(authSecret);
    this.#rules = {
      algorithms: [...(this.#secret ? ['HS256'] : []), ...(keys.isOn ? ['RS256', 'ES256', 'EdDSA', 'Ed25519'] : [])],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: authSkewMs / 1000,
      ...(authIssuer !== undefined && { issuer: authIssuer }),
      ...(authAudience !== undefined && { audience: authAudience }),
    };
  }

  /**
   * Verifies the token of a handshake, from `Authorization` or the subprotocols. Never rejects.
   *
   * @returns `undefined` where there is no token and none is required
   */
  verifyHandshake(request: IncomingMessage): Promise<VerifiedToken | TokenRefusal> | undefined {
    if (this.#mode === 'off') return undefined;
    const [token, ...others] = presentedTokens(request);
    if (token === undefined) return this.#mode === 'required' ? NO_TOKEN : undefined;
    // Two tokens may name two users.
    return others.some((other) => other !== token) ? SEVERAL_TOKENS : this.verify(token);
  }

  /** Returns whether a handshake presents a token that {@link verifyHandshake} verifies. */
  presents(request: IncomingMessage): boolean {
    return this.#mode !== 'off' && presentedTokens(request).length > 0;
  }

  /** Returns the contents of a valid token, or why it is refused. Never rejects. */
  async verify(token: string): Promise<VerifiedToken | TokenRefusal> {
    try {
      const payload = await this.#payload(token);
      return { user: userOf(payload.sub), claims: Object.freeze(payload), expiresAt: expiryOf(payload) };
    } catch (error) {
      return TokenRefusal.of(error);
    }
  }

  /** Selects the key by algorithm: `AUTH_SECRET` for HS256 only, a public key for all others. */
  async #payload(token: string): Promise<JWTPayload> {
    if (token === '') throw new TokenRefusal('there is a "Bearer" without a token');
    const { alg = '', kid } = decodeProtectedHeader(token);
    if (!this.#rules.algorithms.includes(alg))
      throw new TokenRefusal('the algorithm of the token is not accepted, see "alg" in its header');
    if (alg === 'HS256') return (await jwtVerify(token, await this.#secret!, this.#rules)).payload;
    return this.keys.verify(token, { alg, ...(typeof kid === 'string' && { kid }) }, this.#rules);
  }
}

function importSecret(secret: string): Promise<webcrypto.CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

/** Returns every token that a handshake presents; an empty string for a `Bearer` or a `bearer.` without a token. */
function presentedTokens({ headers, rawHeaders }: IncomingMessage): string[] {
  const tokens = authorizations(rawHeaders)
    .filter((value) => BEARER.test(value))
    .map((value) => value.slice(BEARER_LENGTH).trim());
  for (const name of headers['sec-websocket-protocol']?.split(',') ?? []) {
    const protocol = name.trim();
    if (protocol.startsWith(TOKEN_PREFIX)) tokens.push(protocol.slice(TOKEN_PREFIX.length));
  }
  return tokens;
}

/** Returns the values of all `Authorization` headers; `request.headers` has the first alone, which may be that of a proxy. */
function authorizations(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && /^authorization$/i.test(rawHeaders[index - 1]!));
}

/** @throws {TokenRefusal} for a `sub` that names no user */
function userOf(sub: unknown): string {
  const user = toUser(sub);
  if (user === undefined) throw new TokenRefusal(`the claim "sub" of the token must be ${USER_RULE}`);
  return user;
}

/** @throws {TokenRefusal} for an `exp` that no `Date` can hold, such as 1e999; `jose` has checked that it is a number */
function expiryOf({ exp = Infinity }: JWTPayload): number {
  if (exp > MAX_DATE_S)
    throw new TokenRefusal('the claim "exp" of the token must be a time in seconds that a Date can hold');
  return exp;
}
