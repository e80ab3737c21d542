import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cacheDir } from './paths.js';
import { freePort } from './ports.js';
import { PeerUnavailable, startProgram } from './program.js';

/** The NATS server that `go install` has put into the cache, which is newer than that of Debian 12. */
const BUILT_NATS = `${cacheDir}go/nats-server`;

/** NATS without authentication. */
export const nats = broker('nats', {
  command: (port) => [existsSync(BUILT_NATS) ? BUILT_NATS : 'nats-server', '-a', '127.0.0.1', '-p', port],
  package: 'nats-server',
});

/** Redis without persistence. */
export const redis = broker('redis', {
  command: (port) => ['redis-server', '--bind', '127.0.0.1', '--port', port, '--save', '', '--appendonly', 'no'],
  package: 'redis-server',
});

/**
 * Describes a program that carries messages between nodes.
 *
 * @returns {Pick<import('./servers.js').Server, 'name' | 'start'>}
 */
function broker(name, { command, package: debian }) {
  const start = async () => {
    const port = await freePort();
    const words = command(`${port}`);
    if (spawnSync(words[0], ['--version'], { stdio: 'ignore' }).error !== undefined)
      throw new PeerUnavailable(`${words[0]} is missing (Debian: apt-get install ${debian})`);
    const { pid, stderr, stop } = await startProgram(words, { at: port });
    return { ports: [port], processes: { [name]: [pid] }, stderr, stop };
  };
  return { name, start };
}
