import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificatesDir } from './certificates.js';
import { projectDir } from './paths.js';
import { freePort } from './ports.js';
import { startWithWorkers } from './program.js';

const WS_PATH = '/wss';
/** Debian installs nginx for administrators only. */
export const searchPath = { PATH: `${process.env.PATH}:/usr/sbin` };
/** The scripts that the container runs before nginx starts, without their watchers. */
const SCRIPTS = [['35-certificates.sh'], ['36-proxy-secret.sh'], ['37-features.sh'], ['39-upstream.sh', 'once']];

/** Returns whether nginx is installed. */
export function hasNginx() {
  return spawnSync('nginx', ['-v'], { env: searchPath }).error === undefined;
}

/**
 * Puts nginx in front of a server, with the project's own configuration, TLS and one worker. Connects to the server by its
 * Unix socket, if it has one.
 *
 * @param {import('./servers.js').Server} server that accepts WS_PATH
 * @param {string} [root] the checkout with the configuration
 * @returns {import('./servers.js').Server}
 */
export function behindNginx(server, root = projectDir) {
  const start = async (context) => {
    const app = await server.start(context);
    try {
      const address = app.socket === undefined ? `127.0.0.1:${app.ports[0]}` : `unix:${app.socket}`;
      const nginx = await startNginx(join(root, 'nginx'), address);
      return {
        ports: [nginx.port],
        processes: { ...app.processes, nginx: nginx.pids },
        stderr: () => app.stderr() + nginx.stderr(),
        stop: async () => {
          await nginx.stop();
          await app.stop();
        },
      };
    } catch (error) {
      await app.stop();
      throw error;
    }
  };
  const ofBuild = server.ofBuild && ((base) => behindNginx(server.ofBuild(base), base));
  return { ...server, load: ['--path', WS_PATH, ...(server.load ?? []), '--tls'], start, ofBuild };
}

async function startNginx(sources, app) {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-bench-'));
  const remove = () => rm(folder, { recursive: true });
  try {
    const { port, program } = await launch(sources, folder, app);
    const stop = () => program.stop().then(remove);
    return { port, pids: program.pids, stderr: program.stderr, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function launch(sources, folder, app) {
  const [port, httpPort] = [await freePort(), await freePort()];
  const env = environment({ folder, sources, port, httpPort, app });
  for (const [script, ...args] of SCRIPTS) execFileSync('sh', [join(sources, script), ...args], { env, stdio: 'pipe' });
  const template = await readFile(join(sources, 'templates/switchboard.conf.template'), 'utf8');
  await writeFile(join(folder, 'switchboard.conf'), render(template, env));
  const frame = await readFile(join(sources, 'nginx.conf'), 'utf8');
  await writeFile(join(folder, 'nginx.conf'), relocate(frame, folder));
  const command = ['nginx', '-e', 'stderr', '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'];
  // SIGTERM, because nginx would leave its worker behind after SIGKILL.
  return { port, program: await startWithWorkers(command, { at: port, env: searchPath, signal: 'SIGTERM' }) };
}

/** The variables of docker-compose.yml and the scripts. Rate limits are off, because the generator is one busy client. */
function environment({ folder, sources, port, httpPort, app }) {
  return {
    ...searchPath,
    ACME_DIR: join(folder, 'acme'),
    APP: app,
    HTTP_LISTEN: `127.0.0.1:${httpPort}`,
    HTTP_BASE: '/',
    HTTPS_LISTEN: `127.0.0.1:${port}`,
    HTTPS_PORT: `${port}`,
    LOG_DIR: folder,
    TLS_AT: 'nginx',
    TLS_DIR: join(folder, 'run'),
    WS_PATH,
    HANDSHAKES_PER_SECOND: '0',
    REQUESTS_PER_SECOND: '0',
    MAX_CONNECTIONS_PER_ADDRESS: '0',
    // Paths that are mounts in the container.
    MAKE_CERTS: join(sources, 'make-certs.sh'),
    LOCAL_TLS: certificatesDir,
    MOUNTED_TLS: join(folder, 'no-certificate'),
    MOUNTED_PROXY_SECRET: join(folder, 'no-secret'),
  };
}

/** Replaces names as the container's envsubst does. */
function render(template, values) {
  return template.replace(/\$\{([A-Z_]+)\}/g, (name, key) => values[key] ?? name);
}

/** Rewrites the project's nginx.conf for one worker, any user and a temporary folder. */
function relocate(text, folder) {
  const folders = { 'run/tls': `${folder}/run`, tmp: folder, 'var/log/nginx': folder };
  return [
    [/ \/(run\/tls|tmp|var\/log\/nginx)\//g, (_, place) => ` ${folders[place]}/`],
    ['user nginx;', process.getuid() === 0 ? 'user root;' : ''],
    ['worker_processes auto;', 'worker_processes 1;'],
    ['/etc/nginx/conf.d/*.conf', `${folder}/switchboard.conf`],
    ['/run/nginx.pid', `${folder}/nginx.pid`],
  ].reduce((result, [from, to]) => replaceIn(result, from, to), text);
}

/** Replaces a part of nginx.conf. @throws if it is not there, because nginx would run with another configuration */
export function replaceIn(text, from, to) {
  const replaced = text.replace(from, to);
  if (replaced === text) throw new Error(`nginx.conf does not contain: ${from}`);
  return replaced;
}
