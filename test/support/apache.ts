import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.js';
import { freePorts, listening } from './ports.js';

const APACHE = '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';
const CONFIGURATION = fileURLToPath(new URL('../../config/apache/switchboard.conf', import.meta.url));
const NEEDED = ['mpm_event', 'authz_core', 'ssl', 'headers', 'proxy', 'proxy_http'];

export interface Apache {
  /** `wss://localhost:PORT/wss` */
  readonly url: string;
  readonly caFile: string;
  stop(): Promise<void>;
}

/** Starts Debian's apache2 with the project's own configuration and certificates of the project's own making. */
export async function startApache(appPort: number): Promise<Apache> {
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
  const child = spawn(APACHE, ['-f', join(folder, 'apache.conf'), '-DFOREGROUND'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killWithUs = (): void => void child.kill();
  process.once('exit', killWithUs);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const gone = new AbortController();
  const ended = once(child, 'close').then(() => gone.abort());
  await listening(port, gone.signal).catch(async () => {
    await ended;
    throw new Error(`apache2 ended: ${said}`);
  });
  return {
    url: `wss://localhost:${port}/wss`,
    caFile: join(folder, 'ca.crt'),
    stop: async () => {
      process.off('exit', killWithUs);
      child.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
