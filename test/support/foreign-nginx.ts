import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon } from './daemon.js';
import { needs } from './needs.js';
import { freePorts } from './ports.js';

needs('nginx');

export interface ForeignNginx {
  /** `http://127.0.0.1:PORT`; paths outside the locations answer 404. */
  readonly origin: string;
  stop(): Promise<void>;
}

/**
 * Starts an nginx that an operator already has: a site that passes some paths on to this server, WebSockets included.
 *
 * @param locations directives by the location that contains them, such as `proxy_pass http://127.0.0.1:3000/`
 */
export async function startForeignNginx(locations: Readonly<Record<string, string>>): Promise<ForeignNginx> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-foreign-nginx-'));
  const [port] = await freePorts();
  const blocks = Object.entries(locations).map(
    ([location, directives]) => `location ${location} {
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      ${directives};
    }`,
  );
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off;
      ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')}
      map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
      server {
        listen 127.0.0.1:${port};
        ${blocks.join('\n')}
        location / { return 404 "another site"; }
      }
    }`,
  );
  const daemon = new Daemon('/usr/sbin/nginx', ['-e', 'stderr', '-c', join(folder, 'nginx.conf')], port);
  await daemon.start();
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}
