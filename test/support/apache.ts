import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.js';
import { Daemon } from './daemon.js';
import type { Front } from './front.js';
import { needs } from './needs.js';
import { freePorts } from './ports.js';

needs('apache2');

const APACHE = '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';
const CONFIGURATION = fileURLToPath(new URL('../../config/apache/switchboard.conf', import.meta.url));
const NEEDED = ['mpm_event', 'authz_core', 'ssl', 'headers', 'proxy', 'proxy_http'];

/** Starts Debian's apache2 with the project's configuration and fresh certificates. */
export async function startApache(appPort: number): Promise<Front> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-apache-'));
  await makeCertificates(folder);
  const [port] = await freePorts();
  await writeFile(
    join(folder, 'apache.conf'),
    `ServerName localhost
     ServerRoot ${folder}
     PidFile ${folder}/apache.pid
     ErrorLog ${folder}/error.log
     DefaultRuntimeDir ${folder}
     ${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
     ${NEEDED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
     Define SWITCHBOARD_LISTEN 127.0.0.1:${port}
     Define SWITCHBOARD_APP 127.0.0.1:${appPort}
     Define SWITCHBOARD_TLS ${folder}
     Include ${CONFIGURATION}`,
  );
  const daemon = new Daemon(APACHE, ['-f', join(folder, 'apache.conf'), '-DFOREGROUND'], port);
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
