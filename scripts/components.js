import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Installs the programs that `npm run test:all` runs. As root on Debian or a derivative this script installs missing
 * packages; on other systems it prints where to get them. With CI=true it fails if a component is still missing.
 *
 *   node scripts/components.js
 *   node scripts/components.js NAME...   checks only that these components are there
 *
 * A row is a program, or a library of a program: `has` are arguments with which the program exits with 0 if the library
 * is installed.
 *
 * @typedef {{ name: string, program?: string, has?: string[], debian: string, source: string }} Component
 */
const COMPONENTS = /** @type {Component[]} */ ([
  { name: 'openssl', debian: 'openssl', source: 'https://openssl-library.org or your package manager' },
  { name: 'git', debian: 'git', source: 'https://git-scm.com or your package manager' },
  { name: 'nginx', debian: 'nginx', source: 'https://nginx.org or your package manager' },
  { name: 'apache2', debian: 'apache2-bin', source: 'https://httpd.apache.org or your package manager' },
  { name: 'haproxy', debian: 'haproxy', source: 'https://www.haproxy.org or your package manager' },
  { name: 'caddy', debian: 'caddy', source: 'https://caddyserver.com or your package manager' },
  { name: 'testssl', debian: 'testssl.sh', source: 'https://testssl.sh, as testssl on the PATH' },
  { name: 'promtool', debian: 'prometheus', source: 'https://prometheus.io/download/' },
  { name: 'faketime', debian: 'faketime', source: 'https://github.com/wolfcw/libfaketime or your package manager' },
  { name: 'chromium', debian: 'chromium', source: 'your package manager' },
  { name: 'nats-server', debian: 'nats-server', source: 'https://nats.io' },
  { name: 'certutil', debian: 'libnss3-tools', source: 'https://firefox-source-docs.mozilla.org/security/nss' },
  { name: 'curl', debian: 'curl', source: 'https://curl.se or your package manager' },
  { name: 'javac', debian: 'default-jdk-headless', source: 'https://adoptium.net, 17 or newer' },
  { name: 'php', debian: 'php-cli', source: 'https://www.php.net or your package manager' },
  {
    name: 'unshare',
    has: ['--map-root-user', '--mount', 'true'],
    debian: 'util-linux',
    source: 'your package manager',
  },
  {
    name: 'Mojolicious',
    program: 'perl',
    has: ['-MMojolicious', '-e1'],
    debian: 'libmojolicious-perl',
    source: 'cpan Mojolicious',
  },
  {
    name: 'IO::Socket::SSL',
    program: 'perl',
    has: ['-MIO::Socket::SSL', '-e1'],
    debian: 'libio-socket-ssl-perl',
    source: 'cpan IO::Socket::SSL',
  },
  {
    name: 'Python websockets',
    program: 'python3',
    has: ['-c', 'import websockets'],
    debian: 'python3-websockets',
    source: 'pip install websockets',
  },
]);

/** Package scripts run this program before they start a service; exit code 101 forbids it. Tests start their own. */
const POLICY = '/usr/sbin/policy-rc.d';
const PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin', ...(process.env.PATH ?? '').split(':')];
/** The search path of the tests, in which the system's packages come first. */
const PROGRAM_PATH = ['/usr/bin', process.env.PATH].join(':');
/** How long to wait for another apt-get. Its own option DPkg::Lock::Timeout does not cover the lists and the archives. */
const LOCK_MS = 300_000;
const LOCK_CHECK_MS = 2000;

/** @param {readonly Component[]} components @returns {Component[]} those that are not installed */
function missing(components) {
  return components.filter(({ name, program = name, has }) => {
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

/** Runs apt-get, and waits while another process holds one of its locks. @param {string[]} args */
function aptGet(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  for (let waitedMs = 0; ; waitedMs += LOCK_CHECK_MS) {
    const { status, stdout, stderr } = spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
    if (status === 0) return;
    if (!stderr.includes('Could not get lock') || waitedMs >= LOCK_MS) {
      console.error(
        `components: apt-get ${args[0]} failed, install the packages by hand\n${stdout}${stderr}`.trimEnd(),
      );
      return;
    }
    if (waitedMs === 0) console.log('components: waiting for another apt-get');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_CHECK_MS);
  }
}

/** @param {readonly Component[]} components @returns {number} how many are missing */
function report(components) {
  const absent = missing(components);
  for (const { name, debian, source } of absent)
    console.error(
      `components: ${name} is missing; install it: sudo apt-get install ${debian} (Debian), or ${source}; as root on Debian npm run test:all installs it`,
    );
  return absent.length;
}

/** @param {string[]} names @returns {number} how many of them are missing or unknown */
function check(names) {
  const unknown = names.filter((name) => !COMPONENTS.some((row) => row.name === name));
  for (const name of unknown)
    console.error(`components: no component has the name "${name}"; see scripts/components.js`);
  return unknown.length + report(COMPONENTS.filter(({ name }) => names.includes(name)));
}

/** @returns {number} how many are still missing */
function installMissing() {
  const packages = missing(COMPONENTS).map(({ debian }) => debian);
  if (packages.length > 0 && process.getuid?.() === 0 && isExecutable('/usr/bin/apt-get')) {
    console.log(`components: installing ${packages.join(', ')}`);
    install(packages);
  }
  return report(COMPONENTS);
}

const names = process.argv.slice(2);
if (names.length > 0) process.exitCode = check(names) > 0 ? 1 : 0;
else if (installMissing() > 0 && process.env.CI === 'true') process.exitCode = 1;
