import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeCertificates } from './certificates.js';
import { Daemon } from './daemon.js';
import { needs } from './needs.js';
import { freePorts } from './ports.js';

needs('nginx');

const NGINX = '/usr/sbin/nginx';
export const SCRIPTS_FOLDER = fileURLToPath(new URL('../../nginx/', import.meta.url));
/** Scripts that the container runs before nginx starts, in order. */
const SCRIPTS = ['35-certificates.sh', '36-proxy-secret.sh', '37-features.sh'];

export interface NginxParts {
  /** The port of the application. */
  readonly appPort: number;
  /** A name that resolves to all nodes, and the name server that resolves it. */
  readonly app?: { readonly name: string; readonly resolver: string };
  /** Idle timeout in the notation of nginx; three heartbeats. */
  readonly idleTimeout?: string;
  readonly wsPath?: string;
  readonly httpBase?: string;
  /** The secret by which the application trusts its address headers. */
  readonly proxySecret?: string;
  /** Environment variables of the operator, and the paths of mounted files. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface Nginx {
  readonly httpsPort: number;
  readonly httpPort: number;
  /** The folder of its certificates and logs. */
  readonly folder: string;
  readonly caFile: string;
  /** `wss://localhost:PORT/wss` */
  readonly url: string;
  readonly process: Daemon;
  /** The environment of its scripts. */
  readonly environment: Readonly<Record<string, string>>;
  /** Reads the access log, one object for each request. */
  accessLog(): Promise<Record<string, unknown>[]>;
  /** Reads both logs as text. */
  logs(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts Debian's nginx with the project's template and scripts, and fresh certificates. */
export async function startNginx({
  appPort,
  app = { name: '127.0.0.1', resolver: '127.0.0.1' }, // the resolver is unused, because the name is an address
  idleTimeout = '75s',
  wsPath = '/wss',
  httpBase = '/',
  proxySecret,
  variables = {},
}: NginxParts): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-nginx-'));
  await makeCertificates(folder);
  if (proxySecret !== undefined) await writeFile(join(folder, 'secret'), proxySecret);
  const [httpsPort, httpPort] = await freePorts();
  const environment = {
    ACME_DIR: join(folder, 'acme'),
    APP: `${app.name}:${appPort}`,
    HTTP_LISTEN: `127.0.0.1:${httpPort}`,
    HTTP_BASE: httpBase,
    HTTPS_LISTEN: `127.0.0.1:${httpsPort}`,
    HTTPS_PORT: String(httpsPort),
    IDLE_TIMEOUT: idleTimeout,
    LOG_DIR: folder,
    RESOLVER: app.resolver,
    TLS_AT: 'nginx',
    TLS_DIR: join(folder, 'run'),
    WS_PATH: wsPath,
    // Paths that are mounts in the container.
    SCRIPTS_DIR: SCRIPTS_FOLDER,
    NGINX_CONF: join(folder, 'nginx.conf'),
    NGINX_PID: join(folder, 'nginx.pid'),
    PATH: `/usr/sbin:${process.env['PATH']}`,
    MAKE_CERTS: join(SCRIPTS_FOLDER, 'make-certs.sh'),
    LOCAL_TLS: folder,
    MOUNTED_TLS: folder,
    MOUNTED_PROXY_SECRET: join(folder, 'secret'),
    ...variables,
  };
  await prepare(environment).catch(async (error: unknown) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  const template = await readFile(join(SCRIPTS_FOLDER, 'templates/switchboard.conf.template'), 'utf8');
  await writeFile(join(folder, 'switchboard.conf'), render(template, environment));
  await writeFile(join(folder, 'nginx.conf'), frame(folder));
  const daemon = new Daemon(NGINX, ['-e', 'stderr', '-c', join(folder, 'nginx.conf')], httpsPort);
  await daemon.start();
  const logs = async (name: string): Promise<string> => readFile(join(folder, `${name}.log`), 'utf8');
  return {
    httpsPort,
    httpPort,
    folder,
    caFile: join(folder, 'ca.crt'),
    url: `wss://localhost:${httpsPort}${wsPath}`,
    process: daemon,
    environment,
    accessLog: async () =>
      (await logs('access'))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    logs: async () => (await Promise.all([logs('access'), logs('error')])).join(''),
    stop: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs the scripts that the container runs before nginx starts. @throws with the error output of a script */
async function prepare(variables: Readonly<Record<string, string>>): Promise<void> {
  for (const script of SCRIPTS) await promisify(execFile)('sh', [join(SCRIPTS_FOLDER, script)], { env: variables });
}

/** Replaces names as the container's envsubst does. @throws for a name without a value */
function render(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the template asks for ${name}`);
    return value;
  });
}

/** Returns an nginx.conf like the container's, for one worker, any user and a temporary folder. */
function frame(folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    events { worker_connections 1024; }
    http {
      ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')}
      include ${folder}/switchboard.conf;
    }`;
}
