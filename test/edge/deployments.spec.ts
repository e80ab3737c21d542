import { on, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { startApache } from '../support/apache.js';
import { makeCertificates } from '../support/certificates.js';
import { connect, type Client } from '../support/client.js';
import type { Daemon } from '../support/daemon.js';
import { startNginx } from '../support/nginx.js';
import { freePorts } from '../support/ports.js';
import { startServer, type TestServer } from '../support/server.js';

interface Edge {
  server: TestServer;
  /** What the application is started with, again too. */
  readonly variables: Record<string, string>;
  /** What stands in front of it. */
  readonly front?: Daemon;
  readonly url: string;
  readonly caFile: string | undefined;
  stop(): Promise<void>;
}

/** Slow enough for a busy machine: who is silent for a whole one is thought dead. */
const HEARTBEAT_MS = '500';

/** A port that nobody else is given while the application is away. */
async function ownPort(): Promise<string> {
  return String((await freePorts())[0]);
}

const EDGES: Record<string, () => Promise<Edge>> = {
  'no TLS': async () => {
    const variables = { HEARTBEAT_MS, PORT: await ownPort() };
    const server = await startServer(variables);
    return { server, variables, url: server.url, caFile: undefined, stop: async () => undefined };
  },
  'TLS of the process': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-edge-'));
    await makeCertificates(folder);
    const variables = {
      HEARTBEAT_MS,
      PORT: await ownPort(),
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
};

async function proxied(
  start: (port: number) => Promise<{ url: string; caFile: string; process: Daemon; stop(): Promise<void> }>,
): Promise<Edge> {
  const variables = { HEARTBEAT_MS, PORT: await ownPort(), TRUSTED_PROXIES: '127.0.0.1' };
  const server = await startServer(variables);
  const proxy = await start(server.port);
  const { url, caFile, process: front } = proxy;
  return { server, variables, url, caFile, front, stop: () => proxy.stop() };
}

describe.each(Object.keys(EDGES))('behind %s, a session', (name) => {
  let edge: Edge;
  let ca: string;

  beforeAll(async () => {
    edge = await EDGES[name]!();
    ca = edge.caFile === undefined ? '' : await readFile(edge.caFile, 'utf8');
  });
  afterAll(async () => {
    await edge?.stop();
    await edge?.server.stop();
  });

  const enter = (headers: Record<string, string> = {}): Promise<Client> =>
    connect(edge.url, { headers, ...(ca !== '' && { ca }) });

  it('exchanges messages', async () => talk());

  async function talk(): Promise<void> {
    const [ann, bob] = await Promise.all([enter(), enter()]);
    ann.send({ type: 'offer', receiver: bob.id, data: 'grüße'.repeat(5000), id: '1' });
    expect((await bob.next('offer')).data).toBe('grüße'.repeat(5000));
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
    await Promise.all([ann.close(1000), bob.close(1000)]);
  }

  it.each([
    ['said goodbye', 1000, (client: Client): unknown => client.close(1000)],
    ['was cut', 1006, (client: Client): unknown => client.terminate()],
  ])('is told of one that %s', async (_, code, leave) => {
    const [ann, bob] = await Promise.all([enter(), enter()]);
    leave(bob);
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code } });
    await ann.close(1000);
  });

  it('cannot forge its address', async () => {
    const forged = { 'X-Forwarded-For': '6.6.6.6', 'X-Real-IP': '6.6.6.6', Forwarded: 'for=6.6.6.6' };
    const client = await enter(forged);
    const address = edge.server.app.get(SessionRegistry, { strict: false }).find(client.id)?.address;
    expect(address).toBe('127.0.0.1');
    await client.close(1000);
  });

  it('of a foreign page does not come in, one of the same origin does', async () => {
    const origin = edge.url.replace('ws', 'http').replace('/wss', '');
    await (await enter({ Origin: origin })).close(1000);
    await expect(enter({ Origin: 'https://evil.test' })).rejects.toThrow('403');
  });

  it('comes again and talks when the application was started again', async () => {
    const before = await enter();
    await edge.server.stop();
    await before.closed;
    await expect(enter()).rejects.toThrow(/50\d|ECONNREFUSED|could not connect/);
    edge.server = await startServer(edge.variables);
    await talk();
  });

  it('comes again and talks when what stands in front was started again', async () => {
    const { front } = edge;
    const before = await enter();
    if (front === undefined) before.terminate();
    else await front.restart();
    await before.closed;
    await talk();
  });

  it('stays while it is silent, thanks to the heartbeat', async () => {
    const client = await enter();
    let pings = 0;
    for await (const _ of on(client.socket, 'ping')) if (++pings === 4) break;
    await client.settled();
    await client.close(1000);
  });
});

describe('the TLS of Apache', () => {
  let apache: Awaited<ReturnType<typeof startApache>>;
  beforeAll(async () => {
    apache = await startApache(1); // the application is never asked
  });
  afterAll(() => apache?.stop());

  /** Shakes hands and returns the version. */
  async function version(options: ConnectionOptions): Promise<string | null> {
    const { port, hostname } = new URL(apache.url);
    const ca = await readFile(apache.caFile);
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', servername: hostname, ca, ...options });
    await once(socket, 'secureConnect');
    const protocol = socket.getProtocol();
    socket.destroy();
    return protocol;
  }

  it('is 1.3, or 1.2, and nothing older', async () => {
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
  it('alone makes what nginx says of itself believed; a client that guesses is not helped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-secret-'));
    const file = join(folder, 'secret');
    const server = await startServer({ TRUSTED_PROXIES: '127.0.0.1', PROXY_SECRET_FILE: file });
    const proxySecret = await readFile(file, 'utf8');
    const [known, unknown] = [
      await startNginx({ appPort: server.port, proxySecret }),
      await startNginx({ appPort: server.port }),
    ];
    const verdict = async (nginx: typeof known, headers: Record<string, string>): Promise<string> => {
      const ca = await readFile(nginx.caFile, 'utf8');
      // A page that came by plain HTTP is of another origin where nginx is believed that this came by TLS.
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
