import { on, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientOptions } from 'ws';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { startApache } from '../support/apache.js';
import { startCaddy } from '../support/caddy.js';
import { makeCertificates } from '../support/certificates.js';
import { connect, type Client } from '../support/client.js';
import type { Daemon } from '../support/daemon.js';
import type { Front } from '../support/front.js';
import { startHaproxy } from '../support/haproxy.js';
import { startNginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { startServer, type TestServer } from '../support/server.js';

interface Deployment {
  server: TestServer;
  /** Settings for each start of the application. */
  readonly variables: Record<string, string>;
  /** The proxy in front of the application. */
  readonly proxy?: Daemon;
  readonly url: string;
  readonly caFile: string | undefined;
  stop(): Promise<void>;
}

/** Long enough for a busy machine, because a session that is silent for one heartbeat is closed. */
const HEARTBEAT_MS = '500';

/** Returns a port that no other program gets while the application restarts. */
async function reservePort(): Promise<string> {
  return String((await freePorts())[0]);
}

const DEPLOYMENTS: Record<string, () => Promise<Deployment>> = {
  'no TLS': async () => {
    const variables = { HEARTBEAT_MS, PORT: await reservePort() };
    const server = await startServer(variables);
    return { server, variables, url: server.url, caFile: undefined, stop: async () => undefined };
  },
  'TLS of the process': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-edge-'));
    await makeCertificates(folder);
    const variables = {
      HEARTBEAT_MS,
      PORT: await reservePort(),
      TLS_CERT_FILE: join(folder, 'server.crt'),
      TLS_KEY_FILE: join(folder, 'server.key'),
    };
    const server = await startServer(variables);
    const stop = (): Promise<void> => rm(folder, { recursive: true });
    const url = server.url.replace('127.0.0.1', 'localhost');
    return { server, variables, url, caFile: join(folder, 'ca.crt'), stop };
  },
  nginx: async () => proxied(async (port) => startNginx({ appPort: port })),
  Apache: async () => proxied(startApache),
  HAProxy: async () => proxied((port) => startHaproxy([`127.0.0.1:${port}`])),
  Caddy: async () => proxied((port) => startCaddy([`127.0.0.1:${port}`])),
};

async function proxied(start: (port: number) => Promise<Front>): Promise<Deployment> {
  const variables = { HEARTBEAT_MS, PORT: await reservePort(), FRONT_PROXIES: '127.0.0.1' };
  const server = await startServer(variables);
  const proxy = await start(server.port);
  const { url, caFile, process: daemon } = proxy;
  return { server, variables, url, caFile, proxy: daemon, stop: () => proxy.stop() };
}

describe.each(Object.keys(DEPLOYMENTS))('behind %s, a session', (name) => {
  let deployment: Deployment;
  let ca: string;

  beforeAll(async () => {
    deployment = await DEPLOYMENTS[name]!();
    ca = deployment.caFile === undefined ? '' : await readFile(deployment.caFile, 'utf8');
  });
  afterAll(async () => {
    await deployment?.stop();
    await deployment?.server.stop();
  });

  const open = (options: ClientOptions = {}): Promise<Client> =>
    connect(deployment.url, { ...options, ...(ca !== '' && { ca }) });

  it('exchanges messages', async () => exchange());

  async function exchange(): Promise<void> {
    const [ann, bob] = await Promise.all([open(), open()]);
    ann.send({ type: 'offer', receiver: bob.id, data: 'grüße'.repeat(5000), id: '1' });
    expect((await bob.next('offer')).data).toBe('grüße'.repeat(5000));
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    await Promise.all([ann.close(1000), bob.close(1000)]);
  }

  it.each([
    ['closes with 1000', 1000, (client: Client): unknown => client.close(1000)],
    ['is cut', 1006, (client: Client): unknown => client.terminate()],
  ])('gets the departure notice of a session that %s', async (_, code, leave) => {
    const [ann, bob] = await Promise.all([open(), open()]);
    leave(bob);
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code } });
    await ann.close(1000);
  });

  it.each(['127.0.0.1', '127.0.0.9'])('has its address and cannot forge it: %s', async (address) => {
    const headers = { 'X-Forwarded-For': '6.6.6.6', 'X-Real-IP': '6.6.6.6', Forwarded: 'for=6.6.6.6' };
    const client = await open({ headers, localAddress: address, family: 4 });
    const session = deployment.server.app.get(SessionRegistry, { strict: false }).find(client.id);
    expect(session?.address).toBe(address);
    await client.close(1000);
  });

  it('is accepted from the same origin and rejected from another', async () => {
    const origin = deployment.url.replace('ws', 'http').replace('/wss', '');
    await (await open({ origin })).close(1000);
    await expect(open({ origin: 'https://evil.test' })).rejects.toThrow('403');
  });

  it('can connect again after a restart of the application', async () => {
    const before = await open();
    await deployment.server.stop();
    expect((await before.next('sys.reconnect')).data).toEqual({ afterMs: expect.any(Number) as number });
    expect(await before.closed).toEqual({ code: 1012, reason: 'service_restart' });
    await expect(open()).rejects.toThrow(/50\d|ECONNREFUSED|could not connect/);
    deployment.server = await startServer(deployment.variables);
    await exchange();
  });

  it('can connect again after a restart of the proxy', async () => {
    const { proxy } = deployment;
    const before = await open();
    if (proxy === undefined) before.terminate();
    else await proxy.restart();
    await before.closed;
    await exchange();
  });

  it('stays open while silent, because of the heartbeat', async () => {
    const client = await open();
    let pings = 0;
    for await (const _ of on(client.socket, 'ping')) if (++pings === 4) break;
    await client.settled();
    await client.close(1000);
  });
});

describe('the TLS of Apache', () => {
  let apache: Awaited<ReturnType<typeof startApache>>;
  beforeAll(async () => {
    apache = await startApache(1); // no request reaches the application
  });
  afterAll(() => apache?.stop());

  /** Completes a TLS handshake and returns the version. */
  async function version(options: ConnectionOptions): Promise<string | null> {
    const { port, hostname } = new URL(apache.url);
    const ca = await readFile(apache.caFile);
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', servername: hostname, ca, ...options });
    await once(socket, 'secureConnect');
    const protocol = socket.getProtocol();
    socket.destroy();
    return protocol;
  }

  it('is 1.3 or 1.2, and nothing older', async () => {
    expect(await version({})).toBe('TLSv1.3');
    expect(await version({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(version(old)).rejects.toThrow(/alert|protocol|ECONNRESET/i);
  });

  it('has no suite without forward secrecy', async () => {
    await expect(version({ maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:AES256-SHA' })).rejects.toThrow(
      /alert|ECONNRESET/i,
    );
  });
});

describe('the secret between nginx and the application', () => {
  it('makes the application trust the headers of nginx, and no guessed secret does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-secret-'));
    const file = join(folder, 'secret');
    const server = await startServer({ FRONT_PROXIES: '127.0.0.1', PROXY_SECRET_FILE: file });
    const proxySecret = await readFile(file, 'utf8');
    const [known, unknown] = [
      await startNginx({ appPort: server.port, proxySecret }),
      await startNginx({ appPort: server.port }),
    ];
    const verdict = async (nginx: typeof known, headers: Record<string, string>): Promise<string> => {
      const ca = await readFile(nginx.caFile, 'utf8');
      // A page served over plain HTTP has another origin if the application trusts X-Forwarded-Proto of nginx.
      return connect(nginx.url, {
        ca,
        headers: {
          Origin: nginx.url.replace('wss:', 'http:').replace('/wss', '').replace('localhost', 'own.test'),
          Host: new URL(nginx.url).host.replace('localhost', 'own.test'),
          ...headers,
        },
      }).then(
        async (client) => client.close(1000).then(() => 'in'),
        (error: Error) => error.message,
      );
    };
    expect(await verdict(known, {})).toContain('403');
    expect(await verdict(unknown, {})).toBe('in');
    expect(await verdict(unknown, { 'X-Proxy-Secret': proxySecret })).toBe('in');
    await Promise.all([known.stop(), unknown.stop()]);
    await server.stop();
    await rm(folder, { recursive: true });
  });
});
