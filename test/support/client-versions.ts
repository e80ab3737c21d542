import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM_PATH } from './program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE = '/etc/os-release';

/** Packages of the npm clients. */
const PACKAGES: Readonly<Record<string, string>> = {
  'switchboard-client': 'packages/client',
  'ws for Node': 'node_modules/ws',
  'undici for Node': 'node_modules/undici',
  wscat: 'node_modules/wscat',
};

/** Commands that print the version of each client of the system. */
const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'Python websockets': ['python3', '-c', 'import websockets; print(websockets.__version__)'],
  'Java java.net.http': ['java', '--version'],
  'Perl Mojolicious': ['perl', '-MMojolicious', '-e', 'print Mojolicious->VERSION'],
  'PHP, by its streams alone': ['php', '--version'],
  curl: ['curl', '--version'],
};

/** Returns the installed versions by client name, for clients whose version the document names. */
export function installedVersions(): Map<string, string> {
  const packages = Object.entries(PACKAGES).map(([name, path]): [string, string] => {
    const { version } = JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')) as { version: string };
    return [name, version];
  });
  const programs = Object.entries(COMMANDS).map(([name, [program, ...args]]): [string, string] => {
    const text = execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, PATH: PROGRAM_PATH } });
    return [name, /\d+(\.\d+)*/.exec(text)![0]];
  });
  return new Map([...packages, ...(isDebian12() ? programs : [])]);
}

/** Returns whether a version has a prefix: 10.4.1 has 10.4, and 10.41 does not. */
export function isVersion(found: string, named: string): boolean {
  return `${found}.`.startsWith(`${named}.`);
}

/** The document names versions of Debian 12; other systems run their own versions. */
function isDebian12(): boolean {
  const text = existsSync(RELEASE) ? readFileSync(RELEASE, 'utf8') : '';
  return /^ID=debian$/m.test(text) && /^VERSION_ID="12"$/m.test(text);
}
