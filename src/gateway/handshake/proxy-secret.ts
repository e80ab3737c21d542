import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SettingsError } from '../../settings/environment.js';

const SECRET_BYTES = 32;
/** Characters that nginx and its scripts read unchanged: printable ASCII without quotes, `\`, `$`, `;`, braces and spaces. */
const SECRET = /^[!#%&()*+,./0-9:<=>?@A-Z[\]^_`a-z|~-]{32,512}$/;

/**
 * Reads the secret that authenticates the proxy, and creates the file where it does not exist. Access to the file is
 * the proof: only the proxy can read it. Spaces and line ends around the secret do not belong to it.
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
    const secret = readFileSync(file, 'latin1').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    if (!SECRET.test(secret))
      throw new Error(`${file} must hold 32 to 512 letters, digits or any of !#%&()*+,-./:<=>?@[]^_\`|~`);
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
