import { Injectable } from '@nestjs/common';
import { jwtVerify, type JWTHeaderParameters, type JWTVerifyOptions, type FlattenedJWSInput } from 'jose';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { TOKEN_PREFIX } from '../../protocol/index.js';
import { toUser, USER_RULE, type TokenClaims } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { KeySet } from './key-set.js';
import { TokenRefusal } from './token-refusal.js';

/** The scheme of tokens in `Authorization`. Headers of other schemes, such as Basic, are for another server. */
const BEARER = /^Bearer(?=$|[\s,])/i;
const BEARER_LENGTH = 'Bearer'.length;
const NO_TOKEN = Promise.resolve(new TokenRefusal('there is no token'));
const SEVERAL_TOKENS = Promise.resolve(new TokenRefusal('there are different tokens'));

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
  readonly #secret: Uint8Array | undefined;
  readonly #keys: KeySet | undefined;
  readonly #rules: JWTVerifyOptions;

  constructor(settings: Settings) {
    const { auth, authSecret, authJwks, authIssuer, authAudience, authSkewMs, authKeysMaxAgeMs } = settings;
    this.#mode = auth;
    this.#secret = authSecret === undefined ? undefined : new TextEncoder().encode(authSecret);
    this.#keys = authJwks === undefined ? undefined : KeySet.of(authJwks, authKeysMaxAgeMs);
    this.#rules = {
      algorithms: [...(this.#secret ? ['HS256'] : []), ...(this.#keys ? ['RS256', 'ES256', 'EdDSA', 'Ed25519'] : [])],
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
  verifyHandshake({ headers }: IncomingMessage): Promise<VerifiedToken | TokenRefusal> | undefined {
    if (this.#mode === 'off') return undefined;
    const [token, ...others] = presentedTokens(headers);
    if (token === undefined) return this.#mode === 'required' ? NO_TOKEN : undefined;
    // Two tokens may name two users.
    return others.some((other) => other !== token) ? SEVERAL_TOKENS : this.verify(token);
  }

  /** Returns the contents of a valid token, or why it is refused. Never rejects. */
  async verify(token: string): Promise<VerifiedToken | TokenRefusal> {
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#key(header, jws), this.#rules);
      // `jwtVerify` has checked that there is an `exp`.
      return { user: userOf(payload.sub), claims: Object.freeze(payload), expiresAt: payload.exp! };
    } catch (error) {
      return TokenRefusal.of(error);
    }
  }

  /** Selects the key by algorithm: `AUTH_SECRET` for HS256 only, a public key for all others. */
  async #key(header: JWTHeaderParameters, jws: FlattenedJWSInput) {
    if (header.alg === 'HS256' && this.#secret !== undefined) return this.#secret;
    if (header.alg === 'HS256' || this.#keys === undefined)
      throw new TokenRefusal('no key for the algorithm of the token');
    return this.#keys.find(header, jws);
  }
}

/** Returns every token that a handshake presents; an empty string for a `Bearer` or a `bearer.` without a token. */
function presentedTokens(headers: IncomingHttpHeaders): string[] {
  const { authorization = '', 'sec-websocket-protocol': protocols } = headers;
  const tokens = BEARER.test(authorization) ? [authorization.slice(BEARER_LENGTH).trim()] : [];
  for (const name of protocols?.split(',') ?? []) {
    const protocol = name.trim();
    if (protocol.startsWith(TOKEN_PREFIX)) tokens.push(protocol.slice(TOKEN_PREFIX.length));
  }
  return tokens;
}

/** @throws {TokenRefusal} for a `sub` that names no user */
function userOf(sub: unknown): string {
  const user = toUser(sub);
  if (user === undefined) throw new TokenRefusal(`the claim "sub" of the token must be ${USER_RULE} or a whole number`);
  return user;
}
