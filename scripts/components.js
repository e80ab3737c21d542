import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The real programs that the test suite runs: as root on Debian and its kin this script installs what is missing, elsewhere
 * it says how to get it. With CI=true a component that is missing in the end is a failure.
 *
 *   node scripts/components.js
 *
 * A row is a program, or a library of a program: then `has` are the words with which the program ends well if it has it.
 */
const COMPONENTS = [
  { program: 'openssl', debian: 'openssl', elsewhere: 'https://openssl-library.org or your package manager' },
  { program: 'nginx', debian: 'nginx', elsewhere: 'https://nginx.org or your package manager' },
  { program: 'apache2', debian: 'apache2-bin', elsewhere: 'https://httpd.apache.org or your package manager' },
  { program: 'testssl', debian: 'testssl.sh', elsewhere: 'https://testssl.sh, as testssl on the PATH' },
  { program: 'promtool', debian: 'prometheus', elsewhere: 'https://prometheus.io/download/' },
  {
    program: 'faketime',
    debian: 'faketime',
    elsewhere: 'https://github.com/wolfcw/libfaketime or your package manager',
  },
  { program: 'chromium', debian: 'chromium', elsewhere: 'your package manager' },
  { program: 'certutil', debian: 'libnss3-tools', elsewhere: 'https://firefox-source-docs.mozilla.org/security/nss' },
  { program: 'curl', debian: 'curl', elsewhere: 'https://curl.se or your package manager' },
  { program: 'javac', debian: 'default-jdk-headless', elsewhere: 'https://adoptium.net, 17 or newer' },
  { program: 'php', debian: 'php-cli', elsewhere: 'https://www.php.net or your package manager' },
  { program: 'perl', has: ['-MMojolicious', '-e1'], debian: 'libmojolicious-perl', elsewhere: 'cpan Mojolicious' },
  {
    program: 'perl',
    has: ['-MIO::Socket::SSL', '-e1'],
    debian: 'libio-socket-ssl-perl',
    elsewhere: 'cpan IO::Socket::SSL',
  },
  {
    program: 'python3',
    has: ['-c', 'import websockets'],
    debian: 'python3-websockets',
    elsewhere: 'pip install websockets',
  },
];

/** Package scripts ask this program whether they may start a service; 101 is no. The tests start their own. */
const POLICY = '/usr/sbin/policy-rc.d';
const PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin', ...(process.env.PATH ?? '').split(':')];
/** Other people's programs are looked for as the tests do: what the system's packages bring goes first. */
const PROGRAM_PATH = ['/usr/bin', process.env.PATH].join(':');

/** @returns {typeof COMPONENTS} what is not on this machine */
export function missingComponents() {
  return COMPONENTS.filter(({ program, has }) => {
    if (has === undefined) return !PATH.some((folder) => isExecutable(`${folder}/${program}`));
    return spawnSync(program, has, { env: { ...process.env, PATH: PROGRAM_PATH }, stdio: 'ignore' }).status !== 0;
  });
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string[]} packages */
function install(packages) {
  const asked = existsSync(POLICY);
  if (!asked) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    aptGet('update');
    aptGet('install', '--yes', '--no-install-recommends', ...packages);
  } finally {
    if (!asked) rmSync(POLICY);
  }
}

/** @param {string[]} words */
function aptGet(...words) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr } = spawnSync('apt-get', ['-qq', ...words], { env, encoding: 'utf8' });
  if (status !== 0) console.error(`components: apt-get ${words[0]} failed\n${stdout}${stderr}`.trimEnd());
}

function main() {
  const before = missingComponents();
  if (before.length > 0 && process.getuid?.() === 0 && isExecutable('/usr/bin/apt-get')) {
    console.log(`components: installing ${before.map(({ debian }) => debian).join(', ')}`);
    install(before.map(({ debian }) => debian));
  }
  const missing = missingComponents();
  for (const { program, has, debian, elsewhere } of missing)
    console.error(
      `components: ${has === undefined ? program : debian} is missing; on Debian: sudo apt-get install ${debian}; elsewhere: ${elsewhere}`,
    );
  if (missing.length > 0 && process.env.CI === 'true') process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
