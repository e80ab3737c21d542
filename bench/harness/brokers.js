import { spawnSync } from 'node:child_process';
import { natsServer } from './built-peers.js';
import { freePort } from './ports.js';
import { PeerUnavailable, startProgram } from './program.js';

/** NATS without authentication. */
export const nats = broker('nats', natsPath, (port) => ['-a', '127.0.0.1', '-p', port]);

/** Redis without persistence. */
export const redis = broker(
  'redis',
  () => 'redis-server',
  (port) => ['--bind', '127.0.0.1', '--port', port, '--save', '', '--appendonly', 'no'],
);

/** Returns the NATS server of the version that `docker-compose.yml` has, or without Go that of the system. */
function natsPath() {
  try {
    return natsServer();
  } catch (error) {
    if (!(error instanceof PeerUnavailable)) throw error;
    return 'nats-server';
  }
}

/**
 * Describes a program that carries messages between nodes.
 *
 * @param {() => string} path returns the path of the program, which it builds if need be
 * @returns {Pick<import('./servers.js').Server, 'name' | 'build' | 'start'>}
 */
function broker(name, path, argumentsFor) {
  const build = () => {
    const program = path();
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) return program;
    throw new PeerUnavailable(`needs ${program} (Debian: apt-get install ${program})`);
  };
  const start = async () => {
    const port = await freePort();
    const { pid, stderr, stop } = await startProgram([build(), ...argumentsFor(`${port}`)], { at: port });
    return { ports: [port], processes: { [name]: [pid] }, stderr, stop };
  };
  return { name, build, start };
}
