import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SettingsError } from '../../settings/environment.js';

const SECRET_BYTES = 32;

/**
 * Reads the secret that authenticates the proxy, and creates the file where it does not exist. Access to the file is
 * the proof: only the proxy can read it.
 *
 * @throws {SettingsError} when the file can be neither read nor created
 */
export function readProxySecret(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(SECRET_BYTES).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'EROFS') throw unusable(error);
  }
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret.length < SECRET_BYTES) throw new Error(`${file} holds fewer than ${SECRET_BYTES} characters`);
    return secret;
  } catch (error) {
    throw unusable(error);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function unusable(error: unknown): SettingsError {
  return new SettingsError([`PROXY_SECRET_FILE cannot be used: ${(error as Error).message}`]);
}
