/** The peers that are not programs of Node: built by the tools of their languages, and left out where a tool is missing. */
import { benchDir } from './paths.js';
import { freePort } from './ports.js';
import { startProgram } from './program.js';
import { goProgram, hashOf, program } from './toolchains.js';

const START_TIMEOUT_MS = 30_000;
const source = (name) => `${benchDir}peers/${name}`;

/**
 * Describes a server that is one built program.
 *
 * @param {object} peer
 * @param {() => string} peer.build returns the path of the program; throws PeerUnavailable
 * @param {(path: string, port: number) => string[]} peer.command
 * @returns {import('./servers.js').Server}
 */
function builtServer({ build, command, ...description }) {
  const start = async () => {
    const port = await freePort();
    const { pid, stderr, stop } = await startProgram(command(build(), port), {
      at: port,
      env: { PORT: `${port}` },
      timeoutMs: START_TIMEOUT_MS,
    });
    return { ports: [port], processes: { app: [pid] }, stderr, stop };
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
  version: 'v6.9.1',
});

export const natsServer = goProgram({
  name: 'nats-server',
  module: 'github.com/nats-io/nats-server/v2',
  version: 'v2.12.0',
});

const spring = program({
  name: `spring-${hashOf(source('spring'))}`,
  tool: 'mvn',
  packages: 'maven openjdk-17-jdk-headless',
  file: 'router.jar',
  arguments: (folder) => ['-q', '-B', '-f', `${source('spring')}/pom.xml`, 'package', `-Doutput=${folder}`],
});

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
    title: 'Centrifugo 6',
    build: centrifugo,
    command: (path, port) => [
      path,
      `--config=${source('centrifugo')}/config.json`,
      '--http_server.address=127.0.0.1',
      `--http_server.port=${port}`,
    ],
    // The sender and the receiver of a delivered message are its `client` and its `channel`.
    load: [
      ...['--mode', 'centrifugo', '--path', '/connection/websocket', '--room', 'all:everyone'],
      ...['--match', '"connect":', '--key', 'client', '--notice', '"leave":', '--nkey', 'client'],
    ],
  }),
  builtServer({
    name: 'nats',
    title: 'nats-server 2.12 WebSocket',
    build: natsServer,
    command: (path) => [path, '-c', `${source('nats')}/server.conf`],
    load: ['--mode', 'nats', '--room', 'all'],
  }),
  builtServer({
    name: 'spring',
    title: 'Spring TextWebSocketHandler',
    build: spring,
    command: (path, port) => ['java', '-jar', path, `--server.port=${port}`],
    warm: 10,
  }),
];
