import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM_PATH } from './program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE = '/etc/os-release';

/** Where each npm client has its package. */
const PACKAGES: Readonly<Record<string, string>> = {
  'switchboard/client': '.',
  'ws for Node': 'node_modules/ws',
  'undici for Node': 'node_modules/undici',
  wscat: 'node_modules/wscat',
};

/** What prints the version of each client that the system brings. */
const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'Python websockets': ['python3', '-c', 'import websockets; print(websockets.__version__)'],
  'Java java.net.http': ['java', '--version'],
  'Perl Mojolicious': ['perl', '-MMojolicious', '-e', 'print Mojolicious->VERSION'],
  'PHP, by its streams alone': ['php', '--version'],
  curl: ['curl', '--version'],
};

/** The versions that this machine runs, by the names of the document, of those that it names a version of. */
export function installedVersions(): Map<string, string> {
  const packages = Object.entries(PACKAGES).map(([name, path]): [string, string] => {
    const { version } = JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')) as { version: string };
    return [name, version];
  });
  const programs = Object.entries(COMMANDS).map(([name, [program, ...words]]): [string, string] => {
    const text = execFileSync(program, words, { encoding: 'utf8', env: { ...process.env, PATH: PROGRAM_PATH } });
    return [name, /\d+(\.\d+)*/.exec(text)![0]];
  });
  return new Map([...packages, ...(isDebian12() ? programs : [])]);
}

/** Whether a version is one of those that a shorter one stands for: 10.4.1 is a 10.4, and 10.41 is not. */
export function isVersion(found: string, named: string): boolean {
  return `${found}.`.startsWith(`${named}.`);
}

/** The document names that system's versions; on others the same programs run in theirs. */
function isDebian12(): boolean {
  const text = existsSync(RELEASE) ? readFileSync(RELEASE, 'utf8') : '';
  return /^ID=debian$/m.test(text) && /^VERSION_ID="12"$/m.test(text);
}
