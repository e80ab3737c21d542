import { Injectable, Logger } from '@nestjs/common';
import { jwtVerify, type JWTHeaderParameters, type JWTVerifyOptions, type FlattenedJWSInput } from 'jose';
import type { IncomingMessage } from 'node:http';
import type { TokenClaims } from '../../sessions/identity.js';
import { Settings } from '../../settings/settings.js';
import { KeySet } from './key-set.js';
import type { HandshakeRejection } from '../handshake/rejection.js';

const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
/** In front of a token among the subprotocols: the one header that a browser lets a page write. */
const PROTOCOL_PREFIX = 'bearer.';
const MAX_USER_CHARACTERS = 256;
const UNAUTHORIZED: HandshakeRejection = { code: 'unauthorized', headers: { 'WWW-Authenticate': 'Bearer' } };

/** What a good token proves. */
export interface VerifiedToken {
  readonly user: string;
  readonly claims: TokenClaims;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** Verifies tokens (JWT, RFC 7519). Each algorithm is bound to the kind of key that is its own (RFC 8725, 3.1). */
@Injectable()
export class TokenVerifier {
  readonly #logger = new Logger(TokenVerifier.name);
  readonly #mode: Settings['auth'];
  readonly #secret: Uint8Array | undefined;
  readonly #keys: KeySet | undefined;
  readonly #rules: JWTVerifyOptions;

  constructor(settings: Settings) {
    const { auth, authSecret, authJwks, authIssuer, authAudience, authSkewMs } = settings;
    this.#mode = auth;
    this.#secret = authSecret === undefined ? undefined : new TextEncoder().encode(authSecret);
    this.#keys = authJwks === undefined ? undefined : KeySet.of(authJwks);
    this.#rules = {
      algorithms: [...(this.#secret ? ['HS256'] : []), ...(this.#keys ? ['RS256', 'ES256', 'EdDSA', 'Ed25519'] : [])],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: authSkewMs / 1000,
      ...(authIssuer !== undefined && { issuer: authIssuer }),
      ...(authAudience !== undefined && { audience: authAudience }),
    };
  }

  get on(): boolean {
    return this.#mode !== 'off';
  }

  /** Verifies the token of a handshake; `undefined` where there is none and none is needed. Never rejects. */
  presented({ headers }: IncomingMessage): Promise<VerifiedToken | HandshakeRejection> | undefined {
    if (this.#mode === 'off') return undefined;
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const tokens = offered.flatMap((name) =>
      name.startsWith(PROTOCOL_PREFIX) ? [name.slice(PROTOCOL_PREFIX.length)] : [],
    );
    if (headers.authorization !== undefined) tokens.push(BEARER.exec(headers.authorization)?.[1] ?? '');
    const [token] = tokens;
    if (token === undefined) return this.#mode === 'required' ? Promise.resolve(UNAUTHORIZED) : undefined;
    // Two tokens may be two people.
    if (tokens.length > 1) return Promise.resolve(UNAUTHORIZED);
    return this.verify(token).then((proof) => proof ?? UNAUTHORIZED);
  }

  /** Returns what a token proves, `undefined` where it is bad in whatever way. Never rejects, never logs the token. */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#key(header, jws), this.#rules);
      const { sub: user, exp: expiresAt } = payload;
      if (typeof user !== 'string' || user === '' || user.length > MAX_USER_CHARACTERS || expiresAt === undefined)
        return undefined;
      return { user, claims: Object.freeze(payload), expiresAt };
    } catch (error) {
      this.#logger.debug(`a token was refused: ${(error as { code?: string }).code ?? 'it is no token'}`);
      return undefined;
    }
  }

  /** The secret is never given to another algorithm, nor a public key to HS256. */
  async #key(header: JWTHeaderParameters, jws: FlattenedJWSInput) {
    if (header.alg === 'HS256' && this.#secret !== undefined) return this.#secret;
    if (header.alg === 'HS256' || this.#keys === undefined) throw new Error('no key for this algorithm');
    return this.#keys.find(header, jws);
  }
}
