/** The peers that are not programs of Node: built by the tools of their languages, and left out where a tool is missing. */
import { readFileSync } from 'node:fs';
import { benchDir } from './paths.js';
import { freePort } from './ports.js';
import { startProgram, startWithWorkers } from './program.js';
import { goProgram, hashOf, program } from './toolchains.js';

const START_TIMEOUT_MS = 30_000;
const source = (name) => `${benchDir}peers/${name}`;
/** Versions as in the titles. */
const CENTRIFUGO = '6.9.1';
const NATS = '2.12.0';
const pom = readFileSync(`${source('spring')}/pom.xml`, 'utf8');
export const [, springBoot] = /<parent>.*?<version>(.*?)</s.exec(pom);

const words = (text) => text.split(/\s+/);

/**
 * Describes a server that is one built program.
 *
 * @param {object} peer
 * @param {() => string} peer.build returns the path of the program; throws PeerUnavailable
 * @param {(path: string, port: number) => string[]} peer.command
 * @param {boolean} [peer.workers] whether worker processes do the work; then SIGTERM ends the program
 * @returns {import('./servers.js').Server}
 */
function builtServer({ build, command, workers = false, ...description }) {
  const start = async ({ env }) => {
    const port = await freePort();
    const begin = workers ? startWithWorkers : startProgram;
    const {
      pid,
      pids = [pid],
      stderr,
      stop,
    } = await begin(command(build(), port), {
      at: port,
      env: { ...env, PORT: `${port}` },
      timeoutMs: START_TIMEOUT_MS,
      signal: workers ? 'SIGTERM' : 'SIGKILL',
    });
    return { ports: [port], processes: { app: pids }, stderr, stop };
  };
  return { ...description, build, start };
}

const router = program({
  name: `c-router-${hashOf(source('c-router'))}`,
  tool: 'gcc',
  packages: 'gcc libc6-dev libssl-dev',
  file: 'router',
  arguments: (folder) => ['-O2', '-o', `${folder}/router`, `${source('c-router')}/router.c`, '-lcrypto'],
});

export const centrifugo = goProgram({
  name: 'centrifugo',
  module: 'github.com/centrifugal/centrifugo/v6',
  version: `v${CENTRIFUGO}`,
});

export const natsServer = goProgram({
  name: 'nats-server',
  module: 'github.com/nats-io/nats-server/v2',
  version: `v${NATS}`,
});

const spring = program({
  name: `spring-${hashOf(source('spring'))}`,
  tool: 'mvn',
  packages: 'maven openjdk-17-jdk-headless',
  file: 'router.jar',
  arguments: (folder) => ['-q', '-B', '-f', `${source('spring')}/pom.xml`, 'package', `-Doutput=${folder}`],
});

const workerman = program({
  name: `workerman-${hashOf(source('workerman'))}`,
  tool: 'composer',
  packages: 'composer unzip',
  file: 'vendor/autoload.php',
  arguments: () => ['install', '--no-interaction', '--no-progress', `--working-dir=${source('workerman')}`],
  env: (folder) => ({ COMPOSER_VENDOR_DIR: `${folder}/vendor` }),
});

/** The compiler of PHP is off by default. */
const phpJit = ['-d', 'opcache.enable_cli=1', '-d', 'opcache.jit=tracing', '-d', 'opcache.jit_buffer_size=64M'];

/** @type {import('./servers.js').Server[]} */
export const builtPeers = [
  builtServer({
    name: 'c-router',
    title: 'C router (the limit)',
    build: router,
    command: (path, port) => [path, `${port}`],
  }),
  builtServer({
    name: 'centrifugo',
    title: `Centrifugo ${CENTRIFUGO}`,
    build: centrifugo,
    command: (path, port) => [
      path,
      `--config=${source('centrifugo')}/config.json`,
      '--http_server.address=127.0.0.1',
      `--http_server.port=${port}`,
    ],
    // The sender and the receiver of a delivered message are its `client` and its `channel`.
    load: words(
      `--mode centrifugo --path /connection/websocket --room all:everyone
       --match "connect": --key client --notice "leave": --nkey client`,
    ),
  }),
  builtServer({
    name: 'nats',
    title: `nats-server ${NATS} WebSocket`,
    build: natsServer,
    command: (path) => [path, '-c', `${source('nats')}/server.conf`],
    load: ['--mode', 'nats', '--room', 'all'],
  }),
  builtServer({
    name: 'spring',
    title: `Spring Boot ${springBoot} (TextWebSocketHandler)`,
    build: spring,
    command: (path, port) => ['java', '-jar', path, `--server.port=${port}`],
    warm: 10,
  }),
  builtServer({
    name: 'workerman',
    title: 'Workerman 5 (ext-event, JIT)',
    build: workerman,
    command: (path) => ['php', ...phpJit, `${source('workerman')}/start.php`, 'start', path],
    workers: true,
  }),
];
