import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SettingsError } from '../../settings/environment.js';
import type { Log } from '../../telemetry/log.js';
import { KeyList } from './key-list.js';
import type { KeySource } from './key-source.js';

/** After how long a token may be tried again whose key is unknown while the file is invalid. */
const RETRY_AFTER_MS = 5000;

/** Reads keys from a JWKS file. @throws {SettingsError} when the file has no usable keys */
export function readKeyFile(file: string): KeyList {
  try {
    return KeyList.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SettingsError([`AUTH_JWKS cannot be used: ${(error as Error).message}`]);
  }
}

/** Keys of a JWKS file. The file is read again when it has changed; an invalid file leaves the last keys in use. */
export class FileKeys implements KeySource {
  #keys: KeyList;
  /** When the file was last modified, as of the last read. */
  #readMs: number | undefined;
  #isFailing = false;

  /** @throws {SettingsError} when the file has no usable keys */
  constructor(
    private readonly file: string,
    private readonly log: Log,
  ) {
    this.#keys = readKeyFile(file);
  }

  get retryAfterMs(): number | undefined {
    return this.#isFailing ? RETRY_AFTER_MS : undefined;
  }

  async current(): Promise<KeyList> {
    const modifiedMs = await modifiedAt(this.file);
    if (modifiedMs !== undefined && modifiedMs === this.#readMs) return this.#keys;
    this.#readMs = modifiedMs;
    try {
      this.#keys = KeyList.parse(readFileSync(this.file, 'utf8'));
      this.#succeed();
    } catch (error) {
      this.#fail(error as Error);
    }
    return this.#keys;
  }

  /** Returns the same, because {@link current} checks the file each time. */
  newest(): Promise<KeyList> {
    return Promise.resolve(this.#keys);
  }

  #succeed(): void {
    if (this.#isFailing) this.log.warn('JWKS loaded again', { file: this.file });
    this.#isFailing = false;
  }

  #fail({ message: reason }: Error): void {
    if (!this.#isFailing) this.log.warn('cannot load JWKS, keeping the last keys', { file: this.file, reason });
    this.#isFailing = true;
  }
}

async function modifiedAt(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}
