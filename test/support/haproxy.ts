import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from './certificates.js';
import { Daemon } from './daemon.js';
import type { Front } from './front.js';
import { adapted, frontConfigurations } from './fronts-document.js';
import { needs } from './needs.js';
import { freePorts } from './ports.js';

needs('haproxy');

const HAPROXY = '/usr/sbin/haproxy';
/** The backend of the first configuration, up to its end. */
const BACKEND = /^backend switchboard\n[\s\S]*/m;

/**
 * Starts Debian's HAProxy with the configuration of docs/fronts.md.
 *
 * @param nodes `HOST:PORT` or the path of a Unix socket; two of them take the backend for several nodes
 * @param idleTime of tunnels, in the notation of HAProxy
 */
export async function startHaproxy(nodes: readonly string[], idleTime = '75s'): Promise<Front> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-haproxy-'));
  await makeCertificates(folder);
  const pem = join(folder, 'chat.pem');
  await writeFile(pem, await Promise.all(['fullchain.pem', 'privkey.pem'].map((name) => readFile(join(folder, name)))));
  const [port] = await freePorts();
  const [single, several] = frontConfigurations('HAProxy');
  const [first, second] = nodes.map((node) => (node.startsWith('/') ? `unix@${node}` : node));
  const [configuration, places] =
    second === undefined
      ? [single!, { '127.0.0.1:3000': first! }]
      : [single!.replace(BACKEND, several!), { '10.0.0.11:3000': first!, '10.0.0.12:3000': second }];
  const file = join(folder, 'haproxy.cfg');
  await writeFile(
    file,
    adapted(configuration, {
      ...places,
      ':443': `127.0.0.1:${port}`,
      '/etc/haproxy/chat.pem': pem,
      'timeout tunnel 75s': `timeout tunnel ${idleTime}`,
    }),
  );
  const daemon = new Daemon(HAPROXY, ['-W', '-db', '-f', file], port);
  await daemon.start();
  return {
    url: `wss://localhost:${port}/wss`,
    caFile: join(folder, 'ca.crt'),
    process: daemon,
    stop: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}
