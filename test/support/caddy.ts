import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeCertificates } from './certificates.js';
import { Daemon } from './daemon.js';
import type { Front } from './front.js';
import { adapted, frontConfigurations } from './fronts-document.js';
import { needs } from './needs.js';
import { freePorts } from './ports.js';

needs('caddy');

/** The `reverse_proxy` of the first configuration. */
const REVERSE_PROXY = /^\treverse_proxy .*?^\t}\n/ms;

export interface Caddy extends Front {
  /** Loads a changed file, as `caddy reload` does. */
  reload(): Promise<void>;
}

/**
 * Starts Debian's Caddy with the configuration of docs/fronts.md, and certificates of the test.
 *
 * @param nodes `HOST:PORT` or the path of a Unix socket; two of them take the configuration for several nodes
 */
export async function startCaddy(nodes: readonly string[]): Promise<Caddy> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-caddy-'));
  await makeCertificates(folder);
  const [port, adminPort] = await freePorts();
  const [single, several] = frontConfigurations('Caddy');
  const [first, second] = nodes.map((node) => (node.startsWith('/') ? `unix/${node}` : node));
  const [configuration, places] =
    second === undefined
      ? [single!, { '127.0.0.1:3000': first! }]
      : [single!.replace(REVERSE_PROXY, several!), { '10.0.0.11:3000': first!, '10.0.0.12:3000': second }];
  const tls = `tls ${folder}/fullchain.pem ${folder}/privkey.pem`;
  const file = join(folder, 'Caddyfile');
  await writeFile(
    file,
    `{\n\tadmin 127.0.0.1:${adminPort}\n\tauto_https off\n\tstorage file_system ${folder}/storage\n}\n` +
      adapted(configuration, { ...places, 'chat.example.com {': `https://:${port} {\n\tbind 127.0.0.1\n\t${tls}` }),
  );
  const flags = ['--config', file, '--adapter', 'caddyfile'];
  // Caddy writes its running configuration below this folder.
  const daemon = new Daemon('/usr/bin/env', [`XDG_CONFIG_HOME=${folder}`, 'caddy', 'run', ...flags], port);
  await daemon.start();
  return {
    url: `wss://localhost:${port}/wss`,
    caFile: join(folder, 'ca.crt'),
    process: daemon,
    reload: async () => {
      await appendFile(file, '\n:0 {\n\tbind 127.0.0.1\n}\n');
      await promisify(execFile)('caddy', ['reload', ...flags, '--address', `127.0.0.1:${adminPort}`]);
    },
    stop: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}
