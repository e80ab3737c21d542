import { Logger } from '@nestjs/common';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from 'jose';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { SettingsError } from '../../settings/environment.js';

/** Shortest time between two requests for an unknown key, because invalid tokens must not cause a request each. */
const COOLDOWN_MS = 30_000;
const CACHE_MS = 600_000;
const FETCH_TIMEOUT_MS = 5000;

type KeyFinder = (header: JWTHeaderParameters, jws: FlattenedJWSInput) => Promise<CryptoKey>;

/** Finds public keys by id in a JWKS (RFC 7517), from a URL or a file. New keys are found without a restart. */
export class KeySet {
  readonly #logger = new Logger(KeySet.name);
  readonly #file: string | undefined;
  #readMs = 0;
  #find: KeyFinder;

  /** @throws {SettingsError} when the file is not a valid JWKS */
  static of(source: string): KeySet {
    return new KeySet(source);
  }

  private constructor(source: string) {
    if (/^https?:\/\//.test(source)) {
      this.#find = createRemoteJWKSet(new URL(source), {
        cooldownDuration: COOLDOWN_MS,
        cacheMaxAge: CACHE_MS,
        timeoutDuration: FETCH_TIMEOUT_MS,
      });
      return;
    }
    this.#file = source;
    try {
      this.#find = keysOf(readFileSync(source, 'utf8'));
    } catch (error) {
      throw new SettingsError([`AUTH_JWKS cannot be used: ${(error as Error).message}`]);
    }
  }

  /** Finds the key whose id the token header names. The promise rejects when the JWKS has no such key or cannot be loaded. */
  async find(header: JWTHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      if (this.#file !== undefined) await this.#refresh(this.#file);
      return await this.#find(header, jws);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey))
        this.#logger.warn(`cannot load JWKS: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Reads the file again when it has changed. An invalid file leaves the current keys in use. */
  async #refresh(file: string): Promise<void> {
    try {
      const { mtimeMs } = await stat(file);
      if (mtimeMs === this.#readMs) return;
      this.#readMs = mtimeMs;
      this.#find = keysOf(await readFile(file, 'utf8'));
    } catch (error) {
      this.#logger.warn(`cannot reload JWKS from ${file}, keeping the current keys: ${(error as Error).message}`);
    }
  }
}

function keysOf(text: string): KeyFinder {
  return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
}
