import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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
const NEEDED = ['mpm_event', 'authz_core', 'ssl', 'headers', 'proxy', 'proxy_http', 'reqtimeout'];

export interface Apache extends Front {
  /** Starts new processes with the configuration read anew; resolves once they serve. Old ones finish their requests. */
  reload(): Promise<void>;
}

/**
 * Starts Debian's apache2 with the project's configuration and fresh certificates.
 *
 * @param before lines of a configuration that Apache reads before that of the project
 */
export async function startApache(appPort: number, before = ''): Promise<Apache> {
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
     ${before}
     Define SWITCHBOARD_LISTEN 127.0.0.1:${port}
     Define SWITCHBOARD_APP 127.0.0.1:${appPort}
     Define SWITCHBOARD_TLS ${folder}
     Include ${CONFIGURATION}`,
  );
  const daemon = new Daemon(APACHE, ['-f', join(folder, 'apache.conf'), '-DFOREGROUND'], port);
  await daemon.start();
  const starts = async (): Promise<number> =>
    (await readFile(join(folder, 'error.log'), 'utf8')).split('resuming normal operations').length;
  return {
    url: `wss://localhost:${port}/wss`,
    caFile: join(folder, 'ca.crt'),
    process: daemon,
    reload: async () => {
      const seen = await starts();
      process.kill(daemon.pid, 'SIGUSR1');
      while ((await starts()) === seen) await delay(20);
    },
    stop: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}
