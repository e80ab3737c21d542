import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SettingsError } from '../../settings/environment.js';
import type { Log } from '../../telemetry/log.js';
import { KeyList } from './key-list.js';
import type { KeySource } from './key-source.js';

/** After how long a token may be tried again whose key is unknown while the file is invalid. */
const RETRY_AFTER_MS = 5000;
/** How long keys are used without a look at the file, because a look costs as much as the signature of a token. */
const CHECK_MS = 1000;

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
  /** Monotonic time of the last look at the file. */
  #checkedAtMs = -Infinity;

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
    return performance.now() - this.#checkedAtMs < CHECK_MS ? this.#keys : this.newest();
  }

  /** Looks at the file, because a token may be of a key that the last look did not find. */
  async newest(): Promise<KeyList> {
    this.#checkedAtMs = performance.now();
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
