import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { KeyObject } from 'node:crypto';
import { NodeState } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import { Log } from '../../telemetry/log.js';
import { FileKeys } from './file-keys.js';
import type { KeyChoice } from './key-list.js';
import type { KeySource } from './key-source.js';
import { RemoteKeys } from './remote-keys.js';
import { TokenRefusal } from './token-refusal.js';

const WRONG_SIGNATURE = 'the signature of the token is wrong';
const UNKNOWN_KEY = 'the key of the token is unknown, see "kid" in its header';

/** Verifies tokens with the public keys of `AUTH_JWKS`, a URL or a file. New keys are found without a restart. */
@Injectable()
export class TokenKeys implements OnModuleInit, OnApplicationShutdown {
  readonly #source: KeySource | undefined;
  readonly #remote: RemoteKeys | undefined;

  /** @throws {SettingsError} when the file of `AUTH_JWKS` has no usable keys */
  constructor(
    { auth, authJwks, authKeysMaxAgeMs }: Settings,
    private readonly nodeState: NodeState,
    counters: Counters,
    log: Log,
  ) {
    if (auth === 'off' || authJwks === undefined) return;
    if (isUrl(authJwks)) this.#source = this.#remote = new RemoteKeys(authJwks, authKeysMaxAgeMs, counters, log);
    else this.#source = new FileKeys(authJwks, log);
    // With `optional` the node serves clients without a token meanwhile.
    if (auth === 'required') this.#addReadinessCheck();
  }

  onModuleInit(): void {
    this.#remote?.start();
  }

  onApplicationShutdown(): void {
    this.#remote?.stop();
  }

  /** Whether there is an `AUTH_JWKS` that is used. */
  get isOn(): boolean {
    return this.#source !== undefined;
  }

  /**
   * Verifies a token with each key that may have signed it, because several keys may fit. Where none has, a newer set may
   * have its key.
   *
   * @throws {TokenRefusal} where the token is bad or cannot be checked now; `jose` throws for its claims and its form
   */
  async verify(token: string, choice: KeyChoice, rules: JWTVerifyOptions): Promise<JWTPayload> {
    const source = this.#source!;
    const keys = await source.current();
    const payload = await verifiedBy(keys.fitting(choice), token, rules);
    if (payload !== undefined) return payload;
    const newest = await source.newest();
    const fitting = newest.fitting(choice);
    const late = newest === keys ? undefined : await verifiedBy(fitting, token, rules);
    if (late !== undefined) return late;
    if (newest.names(choice)) throw new TokenRefusal(WRONG_SIGNATURE);
    // A failing source may have the key of this token by now, so that the token may be good.
    throw new TokenRefusal(fitting.length > 0 ? WRONG_SIGNATURE : UNKNOWN_KEY, source.retryAfterMs);
  }

  #addReadinessCheck(): void {
    const remote = this.#remote;
    if (remote === undefined) return;
    this.nodeState.addReadinessCheck('tokenKeys', () =>
      remote.usable === undefined ? { isReady: false, reason: 'cannot load AUTH_JWKS' } : { isReady: true },
    );
  }
}

/** Returns whether `AUTH_JWKS` is a URL, and not a file. */
export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** Returns the claims of a token that one of the keys has signed. */
async function verifiedBy(
  keys: readonly KeyObject[],
  token: string,
  rules: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  for (const key of keys)
    try {
      return (await jwtVerify(token, key, rules)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  return undefined;
}
