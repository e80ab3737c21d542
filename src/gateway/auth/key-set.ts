import { Logger } from '@nestjs/common';
import {
  createLocalJWKSet,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from 'jose';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { SettingsError } from '../../settings/environment.js';
import { RemoteKeys, type KeyFinder } from './remote-keys.js';

/** Finds public keys by id in a JWKS (RFC 7517), from a URL or a file. New keys are found without a restart. */
export class KeySet {
  readonly #logger = new Logger('Switchboard');
  readonly #file: string | undefined;
  #readMs = 0;
  #find: KeyFinder;

  /** @throws {SettingsError} when the file is not a valid JWKS */
  static of(source: string, maxAgeMs: number): KeySet {
    return new KeySet(source, maxAgeMs);
  }

  /** @param maxAgeMs `AUTH_KEYS_MAX_AGE_MS` */
  private constructor(source: string, maxAgeMs: number) {
    if (/^https?:\/\//.test(source)) {
      this.#find = new RemoteKeys(source, maxAgeMs).find;
      return;
    }
    this.#file = source;
    try {
      this.#find = keysOf(readFileSync(source, 'utf8'));
    } catch (error) {
      throw new SettingsError([`AUTH_JWKS cannot be used: ${(error as Error).message}`]);
    }
  }

  /**
   * Finds the key whose id the token header names. The promise rejects when the JWKS has no such key or cannot be
   * loaded.
   */
  async find(header: JWTHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#file !== undefined) await this.#refresh(this.#file);
    return this.#find(header, jws);
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
