import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs } from './needs.js';

needs('openssl');

const SCRIPT = fileURLToPath(new URL('../../nginx/make-certs.sh', import.meta.url));

/** Fills a folder as `npm run certs` does, and copies the server's pair to the names of an operator's pair. */
export async function makeCertificates(folder: string, ...args: string[]): Promise<void> {
  await promisify(execFile)('sh', [SCRIPT, '--out', folder, ...args]);
  await cp(join(folder, 'server.crt'), join(folder, 'fullchain.pem'));
  await cp(join(folder, 'server.key'), join(folder, 'privkey.pem'));
}
