import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { SCRIPTS_FOLDER, startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

const run = promisify(execFile);
let nginx: Nginx;
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ WS_PATH: '/a.b~c/..d' });
  nginx = await startNginx({ appPort: server.port, wsPath: '/a.b~c/..d' });
});
afterAll(async () => {
  await nginx?.stop();
  await server?.stop();
});

/** Runs one of the scripts that the container runs before nginx starts. @throws with its error output */
async function script(name: string, variables: Record<string, string>): Promise<unknown> {
  return run('sh', [join(SCRIPTS_FOLDER, name)], { env: { ...nginx.environment, ...variables } });
}

/** Checks the configuration with what the scripts have written. @throws with the error of nginx */
async function checked(): Promise<unknown> {
  return run('/usr/sbin/nginx', ['-t', '-q', '-e', 'stderr', '-c', nginx.environment['NGINX_CONF']!]);
}

type Wrong = [variables: Record<string, string>, line: string];
const each = (name: string, line: string, values: readonly string[]): Wrong[] =>
  values.map((value) => [{ [name]: value }, `${name} ${line}`]);
const FRONT_PROXIES = '10.0.0.0/8';

/** Values that are no networks, or that nginx would read otherwise than the application. */
const NO_NETWORKS = ['any', 'abc.de', '10.0.0.0/33', '10.0.0.0/08', '10.1/16', '010.0.0.1', '1.2.3.4 *', '1.2.3.4/'];
const NO_IPV6 = ['::1/129', '1:2:3', '::1::2', '12345::', 'fe80::1%eth0', '::ffff:a00:1', '::ffff:10.0.0.1', '1:::'];
const NO_PATHS = ['/a/', '/a b', '/a$b', '/a/../b', '/.', '/a\n/b', '/a;b', '/a{b', '/a"b', '/ä'];

describe('nginx ends its start with one line', () => {
  it.each<Wrong>([
    ...each('PROXY_PROTOCOL', 'must be on or off', ['yes', 'On']),
    [{ PROXY_PROTOCOL: 'on' }, 'PROXY_PROTOCOL=on needs FRONT_PROXIES'],
    [{ TLS_AT: 'balancer' }, 'TLS_AT=balancer needs FRONT_PROXIES'],
    [{ TLS_AT: 'balancer', FRONT_PROXIES: ' , ' }, 'TLS_AT=balancer needs FRONT_PROXIES'],
    [{ TLS_AT: 'balancer', FRONT_PROXIES, TLS_CLIENT_CA: './ca.crt' }, 'TLS_CLIENT_CA needs TLS_AT=nginx'],
    ...each('TLS_AT', 'must be nginx or balancer', ['alb', 'Nginx']),
    ...each('FRONT_PROXIES', 'must list addresses or networks', [...NO_NETWORKS, ...NO_IPV6, '10.0.0.1;', 'unix:']),
    ...each('WS_PATH', 'must be a path', ['wss', '/', ...NO_PATHS]),
    ...each('HTTP_BASE', 'must be / or a path', ['chat', ...NO_PATHS]),
    ...each('HTTPS_PORT', 'must be a port', ['0443', '127.0.0.1:443', 'https', '0', '65536', '99999', '443;']),
    ...each('IDLE_TIMEOUT', 'must be a time', ['0', '075s', '75 s', '75sec', '1.5m']),
    ...each('HEARTBEAT_MS', 'must be', ['0', '25s', '025000']),
    ...[
      'HANDSHAKE_TIMEOUT_MS',
      'RESPONSE_TIMEOUT_MS',
      'MAX_HEADER_BYTES',
      'MAX_CONNECTIONS',
      'RELOAD_GRACE_SECONDS',
    ].flatMap((name) => each(name, 'must be a whole number', ['1s', '1k', '01', '-1'])),
    ...each('MAX_CONNECTIONS_PER_ADDRESS', 'must be a whole number', ['99999999999', '050', '1e3']),
  ])('for %j', async (variables, line) => {
    await expect(script('37-features.sh', variables)).rejects.toThrow(line);
  });

  it('for a number of seconds with a leading zero', async () => {
    const variables = { HSTS_SECONDS: '063', TLS_CERT_DIR: 'certificates' };
    await expect(script('35-certificates.sh', variables)).rejects.toThrow('HSTS_SECONDS must be a whole number');
  });

  it.each(["a'b", 'a"b', 'a$b', 'a b', 'a\nb', 'a\0b', 'a;b', 'a{b', 'a}b', 'a\\b', 'ä', '\ufeff'])(
    'for a secret with a character that it may read otherwise: %j',
    async (part) => {
      await writeFile(nginx.environment['MOUNTED_PROXY_SECRET']!, part + 'x'.repeat(40));
      await expect(script('36-proxy-secret.sh', {})).rejects.toThrow('must hold 32 to 512 letters');
    },
  );

  it.each([0, 31, 513])('for a secret of %i characters', async (length) => {
    await writeFile(nginx.environment['MOUNTED_PROXY_SECRET']!, 'x'.repeat(length));
    await expect(script('36-proxy-secret.sh', {})).rejects.toThrow('must hold 32 to 512 letters');
  });
});

describe('nginx follows the settings of the application', () => {
  const FILES = ['limits.conf', 'websocket-limits.conf', 'events.conf', 'workers.conf'];

  /** Returns the lines that the script writes for some settings, which nginx must accept. */
  async function lines(variables: Record<string, string>): Promise<string> {
    await script('37-features.sh', variables);
    await checked();
    const texts = FILES.map((name) => readFile(join(nginx.environment['TLS_DIR']!, name), 'utf8'));
    return (await Promise.all(texts)).join('');
  }

  it.each<[Record<string, string>, string[]]>([
    [{}, ['proxy_read_timeout 75000ms;', 'large_client_header_buffers 4 24576;', 'client_header_timeout 10000ms;']],
    [{ HEARTBEAT_MS: '60000' }, ['proxy_read_timeout 180000ms;', 'send_timeout 600000ms;']],
    [{ HEARTBEAT_MS: '60000', IDLE_TIMEOUT: '2m' }, ['proxy_read_timeout 2m;']],
    [{ HANDSHAKE_TIMEOUT_MS: '30000' }, ['client_header_timeout 30000ms;', 'client_body_timeout 60000ms;']],
    [{ HANDSHAKE_TIMEOUT_MS: '0' }, ['client_header_timeout 86400000ms;', 'client_body_timeout 86400000ms;']],
    [{ RESPONSE_TIMEOUT_MS: '90000' }, ['proxy_read_timeout 180000ms;', 'send_timeout 900000ms;']],
    [{ RESPONSE_TIMEOUT_MS: '0' }, ['proxy_read_timeout 86400000ms;']],
    [{ MAX_HEADER_BYTES: '65536' }, ['large_client_header_buffers 4 73728;']],
    [{ MAX_CONNECTIONS: '100000' }, ['worker_connections 201024;', 'worker_rlimit_nofile 202048;']],
    [{ MAX_CONNECTIONS: String(Number.MAX_SAFE_INTEGER) }, ['worker_connections 262144;']],
    [{ RELOAD_GRACE_SECONDS: '60' }, ['worker_shutdown_timeout 60s;']],
  ])('%j', async (variables, expected) => {
    const written = (await lines(variables)).split('\n');
    for (const line of expected) expect(written).toContain(line);
  });

  it('for the highest values that the application accepts', async () => {
    const most = String(2 ** 31 - 1);
    const names = ['HEARTBEAT_MS', 'HANDSHAKE_TIMEOUT_MS', 'RESPONSE_TIMEOUT_MS'];
    await lines({ MAX_HEADER_BYTES: '1048576', ...Object.fromEntries(names.map((name) => [name, most])) });
  });

  it('and keeps old workers indefinitely with RELOAD_GRACE_SECONDS=0', async () => {
    expect(await lines({ RELOAD_GRACE_SECONDS: '0' })).not.toContain('worker_shutdown_timeout');
  });
});

describe('nginx warns that it has no secret', () => {
  it.each<[app: string, warns: boolean]>([
    ['app:3000', true],
    ['unix:/run/switchboard 10.0.0.2:3000', true],
    ['unix:/a.sock [::1]:3000 unix:/b.sock', true],
    ['unix:/a.sock unix:/run/switchboard', false],
    ['', false],
  ])('for APP=%s: %s', async (APP, warns) => {
    await rm(nginx.environment['MOUNTED_PROXY_SECRET']!, { force: true });
    const { stderr } = (await script('36-proxy-secret.sh', { APP })) as { stderr: string };
    expect(stderr.includes('cannot read the proxy secret')).toBe(warns);
  });
});

describe('nginx accepts', () => {
  it.each([
    '1.2.3.4/0 255.255.255.254/32',
    '10.0.0.1,10.0.0.2, 10.0.0.3\t10.0.0.4\n10.0.0.5',
    ':: ::1 1:: 1:2:3:4:5:6:: ::2:3:4:5:6:7:8 1:2:3:4:5:6:7:8/128 2001:DB8::/32',
  ])('the list %j in FRONT_PROXIES', async (list) => {
    await script('37-features.sh', { FRONT_PROXIES: list, TLS_AT: 'balancer' });
    await checked();
  });

  it('a limit of connections that is higher than its own highest', async () => {
    await script('37-features.sh', { MAX_CONNECTIONS_PER_ADDRESS: '40000' });
    await checked();
  });

  it('IPv6 clients beside a plain port wherever there is IPv6', async () => {
    await script('37-features.sh', { HTTP_LISTEN: '8080', HTTPS_LISTEN: '8443', PROXY_PROTOCOL: 'on', FRONT_PROXIES });
    const lines = (await readFile(join(nginx.environment['TLS_DIR']!, 'listen.conf'), 'utf8')).trim().split('\n');
    const wanted = ['8080 default_server proxy_protocol;', '8443 default_server ssl proxy_protocol;'].flatMap((line) =>
      existsSync('/proc/net/if_inet6') ? [`listen ${line}`, `listen [::]:${line}`] : [`listen ${line}`],
    );
    expect(lines.slice(0, -1)).toEqual(wanted);
    expect(lines.at(-1)).toMatch(/^listen unix:.*health\.sock ssl;$/);
  });

  it('every character of a secret that the application accepts', async () => {
    const secret = '!#%&()*+,-./0123456789:<=>?@AZ[]^_`az|~';
    await writeFile(nginx.environment['MOUNTED_PROXY_SECRET']!, ` ${secret}\t\r\n\n`);
    await script('36-proxy-secret.sh', {});
    await checked();
  });

  it('handshakes at a path with dots', async () => {
    await (await connect(nginx.url, { ca: await readFile(nginx.caFile) })).close(1000);
  });
});
