import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.js';
import { freePorts, listening } from './ports.js';

const NGINX = '/usr/sbin/nginx';
const FOLDER = fileURLToPath(new URL('../../nginx/', import.meta.url));

export interface NginxParts {
  /** Where the application listens. */
  readonly appPort: number;
  /** A name for all nodes that listen there, and the name server that knows it. */
  readonly app?: { readonly name: string; readonly resolver: string };
  /** How long nginx keeps a silent connection, in its own notation; three heartbeats. */
  readonly idleTimeout?: string;
  readonly wsPath?: string;
  /** What it shows the application to be believed about addresses. */
  readonly proxySecret?: string;
}

export interface Nginx {
  readonly httpsPort: number;
  readonly httpPort: number;
  readonly caFile: string;
  /** `wss://localhost:PORT/wss` */
  readonly url: string;
  /** What it has logged, one object for each request. */
  accessLog(): Promise<Record<string, unknown>[]>;
  /** Everything it has written to a log, as text. */
  logs(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts Debian's nginx with the project's own template and certificates of the project's own making. */
export async function startNginx({
  appPort,
  app = { name: '127.0.0.1', resolver: '127.0.0.1' }, // never asked: the application is named by its address
  idleTimeout = '75s',
  wsPath = '/wss',
  proxySecret,
}: NginxParts): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-nginx-'));
  await makeCertificates(folder);
  if (proxySecret !== undefined)
    await writeFile(join(folder, 'proxy-secret.conf'), `set $proxy_secret '${proxySecret}';\n`);
  const [httpsPort, httpPort] = await freePorts();
  const template = await readFile(join(FOLDER, 'templates/switchboard.conf.template'), 'utf8');
  const configuration = render(template, {
    APP: `${app.name}:${appPort}`,
    HTTP_LISTEN: `127.0.0.1:${httpPort}`,
    HTTPS_LISTEN: `127.0.0.1:${httpsPort}`,
    HTTPS_PORT: String(httpsPort),
    IDLE_TIMEOUT: idleTimeout,
    LOG_DIR: folder,
    RESOLVER: app.resolver,
    TLS_DIR: folder,
    WS_PATH: wsPath,
  });
  await writeFile(join(folder, 'switchboard.conf'), configuration);
  await writeFile(join(folder, 'nginx.conf'), frame(folder));
  const stop = await startProcess(folder, httpsPort);
  const logs = async (name: string): Promise<string> => readFile(join(folder, `${name}.log`), 'utf8');
  return {
    httpsPort,
    httpPort,
    caFile: join(folder, 'ca.crt'),
    url: `wss://localhost:${httpsPort}${wsPath}`,
    accessLog: async () =>
      (await logs('access'))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    logs: async () => (await Promise.all([logs('access'), logs('error')])).join(''),
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Fills in the names as the container's envsubst does; one that is not given is a mistake here. */
function render(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the template asks for ${name}`);
    return value;
  });
}

/** What nginx.conf is in the container, for one worker, any user and a folder of its own. */
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

/** Starts nginx and resolves, once it listens, to the way to end it. */
async function startProcess(folder: string, port: number): Promise<() => Promise<void>> {
  const child = spawn(NGINX, ['-e', 'stderr', '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killWithUs = (): void => void child.kill();
  process.once('exit', killWithUs);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close');
  const gone = new AbortController();
  void ended.catch(() => undefined).then(() => gone.abort());
  await listening(port, gone.signal).catch(async () => {
    await ended;
    throw new Error(`nginx ended: ${said}`);
  });
  return async () => {
    process.off('exit', killWithUs);
    child.kill();
    await ended;
  };
}
