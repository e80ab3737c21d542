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

/** A key that is not known is looked for again at most this often, so that bad tokens cannot make us ask all day. */
const COOLDOWN_MS = 30_000;
const CACHE_MS = 600_000;
const FETCH_TIMEOUT_MS = 5000;

type Find = (header: JWTHeaderParameters, jws: FlattenedJWSInput) => Promise<CryptoKey>;

/** Public keys by their ids, of a URL or a file; a key that is new there is found without a restart. */
export class KeySet {
  readonly #logger = new Logger(KeySet.name);
  readonly #file: string | undefined;
  #readMs = 0;
  #find: Find;

  /** @throws {SettingsError} when the file is no key set */
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

  /** Finds the key a token names; rejects where there is none or the source cannot be reached. */
  async find(header: JWTHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      if (this.#file !== undefined) await this.#refresh(this.#file);
      return await this.#find(header, jws);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey))
        this.#logger.warn(`the keys of tokens cannot be had: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Reads the file again where it has changed; one that is bad now leaves the keys as they were. */
  async #refresh(file: string): Promise<void> {
    try {
      const { mtimeMs } = await stat(file);
      if (mtimeMs === this.#readMs) return;
      this.#readMs = mtimeMs;
      this.#find = keysOf(await readFile(file, 'utf8'));
    } catch (error) {
      this.#logger.warn(`${file} is no key set now: ${(error as Error).message}`);
    }
  }
}

function keysOf(text: string): Find {
  return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
}
