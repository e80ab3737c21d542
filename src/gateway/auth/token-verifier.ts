import { Injectable, Logger } from '@nestjs/common';
import { jwtVerify, type JWTHeaderParameters, type JWTVerifyOptions, type FlattenedJWSInput } from 'jose';
import type { IncomingMessage } from 'node:http';
import type { TokenClaims } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { KeySet } from './key-set.js';

const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
/** Prefix of a token among the offered subprotocols, because a page can set no other header of a WebSocket. */
const PROTOCOL_PREFIX = 'bearer.';
const MAX_USER_CHARACTERS = 256;

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
  readonly #logger = new Logger(TokenVerifier.name);
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
   * @returns `undefined` where there is no token and none is required; a promise of `undefined` where the token is
   *   missing, invalid or one of several
   */
  verifyHandshake({ headers }: IncomingMessage): Promise<VerifiedToken | undefined> | undefined {
    if (this.#mode === 'off') return undefined;
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const tokens = offered.flatMap((name) =>
      name.startsWith(PROTOCOL_PREFIX) ? [name.slice(PROTOCOL_PREFIX.length)] : [],
    );
    if (headers.authorization !== undefined) tokens.push(BEARER.exec(headers.authorization)?.[1] ?? '');
    const [token] = tokens;
    if (token === undefined) return this.#mode === 'required' ? Promise.resolve(undefined) : undefined;
    // Two tokens may name two users.
    return tokens.length > 1 ? Promise.resolve(undefined) : this.verify(token);
  }

  /** Returns the contents of a valid token, `undefined` for any other. Never rejects and never logs the token. */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#key(header, jws), this.#rules);
      const { sub: user, exp: expiresAt } = payload;
      if (typeof user !== 'string' || user === '' || user.length > MAX_USER_CHARACTERS || expiresAt === undefined)
        return undefined;
      return { user, claims: Object.freeze(payload), expiresAt };
    } catch (error) {
      this.#logger.debug(`token rejected: ${(error as { code?: string }).code ?? 'not a JWT'}`);
      return undefined;
    }
  }

  /** Selects the key by algorithm: `AUTH_SECRET` for HS256 only, a public key for all others. */
  async #key(header: JWTHeaderParameters, jws: FlattenedJWSInput) {
    if (header.alg === 'HS256' && this.#secret !== undefined) return this.#secret;
    if (header.alg === 'HS256' || this.#keys === undefined) throw new Error('no key for the algorithm of the token');
    return this.#keys.find(header, jws);
  }
}
