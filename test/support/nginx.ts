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
import { Script, type Command } from './script.js';

needs('nginx', 'unshare');

const NGINX = '/usr/sbin/nginx';
export const SCRIPTS_FOLDER = fileURLToPath(new URL('../../nginx/', import.meta.url));
/** Commands that the container runs before nginx starts, in order, without their watchers. */
const SCRIPTS = [
  ['35-certificates.sh'],
  ['36-proxy-secret.sh'],
  ['37-features.sh'],
  ['39-upstream.sh', 'once'],
] as const;
/** Runs a script with a name server of its own, in a mount namespace. */
const WITH_NAMES = 'mount --bind "$0" /etc/resolv.conf && exec sh "$@"';

export interface NginxParts {
  /** The way to the application: its port of 127.0.0.1. */
  readonly appPort?: number;
  /** The way to the application: a socket, or a folder with the sockets of several nodes. */
  readonly appSocket?: string;
  /** The host of `appPort`, and the address of the name server that resolves its name; without one, this machine does. */
  readonly app?: { readonly name: string; readonly nameServer?: string };
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
  /** Starts the watcher of one of its scripts; stops with nginx. */
  watch(script: string): Script;
  /** Reads the access log, one object for each request. */
  accessLog(): Promise<Record<string, unknown>[]>;
  /** Reads both logs as text. */
  logs(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts Debian's nginx with the project's template and scripts, and fresh certificates. */
export async function startNginx({
  appPort,
  appSocket,
  app = { name: '127.0.0.1' },
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
    APP: appSocket === undefined ? `${app.name}:${appPort}` : `unix:${appSocket}`,
    HTTP_LISTEN: `127.0.0.1:${httpPort}`,
    HTTP_BASE: httpBase,
    HTTPS_LISTEN: `127.0.0.1:${httpsPort}`,
    HTTPS_PORT: String(httpsPort),
    LOG_DIR: folder,
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
  const resolvConf = join(folder, 'resolv.conf');
  await writeFile(resolvConf, `nameserver ${app.nameServer}\n`);
  const commandOf = (script: string, ...args: readonly string[]): Command => {
    const parts = [join(SCRIPTS_FOLDER, script), ...args];
    if (app.nameServer === undefined) return ['sh', ...parts];
    return ['unshare', '--map-root-user', '--mount', 'sh', '-c', WITH_NAMES, resolvConf, ...parts];
  };
  await prepare(
    SCRIPTS.map(([script, ...args]) => commandOf(script, ...args)),
    environment,
  ).catch(async (error: unknown) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  const template = await readFile(join(SCRIPTS_FOLDER, 'templates/switchboard.conf.template'), 'utf8');
  await writeFile(join(folder, 'switchboard.conf'), render(template, environment));
  await writeFile(join(folder, 'nginx.conf'), frame(folder, environment.TLS_DIR));
  const daemon = new Daemon(NGINX, ['-e', 'stderr', '-c', join(folder, 'nginx.conf')], httpsPort);
  await daemon.start();
  const watchers: Script[] = [];
  const logs = async (name: string): Promise<string> => readFile(join(folder, `${name}.log`), 'utf8');
  return {
    httpsPort,
    httpPort,
    folder,
    caFile: join(folder, 'ca.crt'),
    url: `wss://localhost:${httpsPort}${wsPath}`,
    process: daemon,
    environment,
    watch: (script) => {
      const watcher = new Script(commandOf(script, 'watch'), environment);
      watchers.push(watcher);
      return watcher;
    },
    accessLog: async () =>
      (await logs('access'))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    logs: async () => (await Promise.all([logs('access'), logs('error')])).join(''),
    stop: async () => {
      await Promise.all(watchers.map((watcher) => watcher.stop()));
      await daemon.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs the scripts that the container runs before nginx starts. @throws with the error output of a script */
async function prepare(commands: readonly Command[], env: Readonly<Record<string, string>>): Promise<void> {
  for (const [program, ...args] of commands) await promisify(execFile)(program, args, { env });
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
function frame(folder: string, run: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    worker_processes 1;
    include ${run}/workers.conf;
    pid ${folder}/nginx.pid;
    events { include ${run}/events.conf; }
    http {
      ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')}
      include ${folder}/switchboard.conf;
    }`;
}
