import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Installs the programs that the test suite runs. As root on Debian or a derivative this script installs missing packages;
 * on other systems it prints where to get them. With CI=true it fails if a component is still missing.
 *
 *   node scripts/components.js
 *
 * A row is a program, or a library of a program: `has` are arguments with which the program exits with 0 if the library
 * is installed.
 */
const COMPONENTS = [
  { program: 'openssl', debian: 'openssl', source: 'https://openssl-library.org or your package manager' },
  { program: 'nginx', debian: 'nginx', source: 'https://nginx.org or your package manager' },
  { program: 'apache2', debian: 'apache2-bin', source: 'https://httpd.apache.org or your package manager' },
  { program: 'testssl', debian: 'testssl.sh', source: 'https://testssl.sh, as testssl on the PATH' },
  { program: 'promtool', debian: 'prometheus', source: 'https://prometheus.io/download/' },
  {
    program: 'faketime',
    debian: 'faketime',
    source: 'https://github.com/wolfcw/libfaketime or your package manager',
  },
  { program: 'chromium', debian: 'chromium', source: 'your package manager' },
  { program: 'nats-server', debian: 'nats-server', source: 'https://nats.io' },
  { program: 'certutil', debian: 'libnss3-tools', source: 'https://firefox-source-docs.mozilla.org/security/nss' },
  { program: 'curl', debian: 'curl', source: 'https://curl.se or your package manager' },
  { program: 'javac', debian: 'default-jdk-headless', source: 'https://adoptium.net, 17 or newer' },
  { program: 'php', debian: 'php-cli', source: 'https://www.php.net or your package manager' },
  { program: 'perl', has: ['-MMojolicious', '-e1'], debian: 'libmojolicious-perl', source: 'cpan Mojolicious' },
  {
    program: 'perl',
    has: ['-MIO::Socket::SSL', '-e1'],
    debian: 'libio-socket-ssl-perl',
    source: 'cpan IO::Socket::SSL',
  },
  {
    program: 'python3',
    has: ['-c', 'import websockets'],
    debian: 'python3-websockets',
    source: 'pip install websockets',
  },
];

/** Package scripts run this program before they start a service; exit code 101 forbids it. Tests start their own. */
const POLICY = '/usr/sbin/policy-rc.d';
const PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin', ...(process.env.PATH ?? '').split(':')];
/** The search path of the tests, in which the system's packages come first. */
const PROGRAM_PATH = ['/usr/bin', process.env.PATH].join(':');

/** @returns {typeof COMPONENTS} components that are not installed */
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
  const hasPolicy = existsSync(POLICY);
  if (!hasPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    aptGet('update');
    aptGet('install', '--yes', '--no-install-recommends', ...packages);
  } finally {
    if (!hasPolicy) rmSync(POLICY);
  }
}

/** @param {string[]} args */
function aptGet(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr } = spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
  if (status !== 0)
    console.error(`components: apt-get ${args[0]} failed, install the packages by hand\n${stdout}${stderr}`.trimEnd());
}

function main() {
  const before = missingComponents();
  if (before.length > 0 && process.getuid?.() === 0 && isExecutable('/usr/bin/apt-get')) {
    console.log(`components: installing ${before.map(({ debian }) => debian).join(', ')}`);
    install(before.map(({ debian }) => debian));
  }
  const missing = missingComponents();
  for (const { program, has, debian, source } of missing)
    console.error(
      `components: ${has === undefined ? program : debian} is missing; install it: sudo apt-get install ${debian} (Debian), or ${source}`,
    );
  if (missing.length > 0 && process.env.CI === 'true') process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
