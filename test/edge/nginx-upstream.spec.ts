import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { NameServer } from '../support/dns.js';
import { startNginx, type Nginx, type NginxParts } from '../support/nginx.js';
import { ServerProcess } from '../support/process.js';
import { SilentPort } from '../support/silent-port.js';
import { startNode, type TestServer } from '../support/server.js';
import { socketFolder } from '../support/unix-socket.js';

/** An address of this machine that differs from the one nginx connects from. */
const FAR = '127.0.0.2';
/** So that an absent address is dropped after 0.75 s, and 0.25 s are between two reloads. */
const OFTEN = { APP_CHECK_SECONDS: '0.05' };

let folder: ReturnType<typeof socketFolder>;
let stops: (() => Promise<unknown>)[];
let nginx: Nginx;
let ca: string;
beforeEach(() => {
  folder = socketFolder();
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
  folder.remove();
});

async function start(parts: NginxParts): Promise<void> {
  nginx = await startNginx(parts);
  stops.push(() => nginx.stop());
  ca = await readFile(nginx.caFile, 'utf8');
}

async function node(variables: Record<string, string> = {}): Promise<TestServer> {
  const server = await startNode({ LISTEN: `unix:${folder.path}/*.sock`, ...variables });
  stops.push(() => server.stop());
  return server;
}

async function killedNode(): Promise<void> {
  const server = await ServerProcess.start({ LISTEN: `unix:${folder.path}/*.sock` });
  await server.kill();
}

const status = async (path = '/health/ready?token=secret'): Promise<number> =>
  (await ask(`https://localhost:${nginx.httpsPort}${path}`, { ca })).status;

/** Counts the requests that each upstream has answered, of as many requests. */
async function served(requests: number): Promise<Record<string, number>> {
  for (let count = 0; count < requests; count++) expect(await status()).toBe(200);
  await status('/metrics'); // a worker logs a request before it answers the next
  const counts: Record<string, number> = {};
  for (const { path, upstream } of await nginx.accessLog()) {
    const last = String(upstream).split(', ').at(-1)!.replace('unix:', '').replace(`${folder.path}/`, '');
    if (path === '/health/ready') counts[last] = (counts[last] ?? 0) + 1;
  }
  return counts;
}

describe('nginx by Unix sockets', () => {
  it('opens sessions whose addresses are those of the clients, without a secret', async () => {
    const server = await node();
    await start({ appSocket: folder.path });
    const client = await connect(nginx.url, { ca, localAddress: FAR, headers: { 'X-Forwarded-For': '6.6.6.6' } });
    expect(server.app.get(SessionRegistry, { strict: false }).find(client.id)?.address).toBe(FAR);
    await client.close(1000);
  });

  it('shares the load between slots, passes over a killed node, and logs no request line', async () => {
    await killedNode(); // 0.sock
    await Promise.all([node(), killedNode().then(() => undefined), node()]);
    await start({ appSocket: folder.path });
    const counts = await served(30);
    expect(Object.keys(counts)).toHaveLength(2);
    expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(10);
    expect(await nginx.logs()).not.toContain('secret');
  });

  it('uses a node that takes over the slot of a killed one, without a reload', async () => {
    await killedNode();
    await start({ appSocket: join(folder.path, '0.sock') });
    expect(await status()).toBe(503);
    await node();
    expect(await status()).toBe(200);
    expect(await nginx.logs()).not.toContain('secret');
  });

  it('starts before the application, and finds each new slot', async () => {
    await start({ appSocket: folder.path, variables: OFTEN });
    const watcher = nginx.watch('39-upstream.sh');
    await watcher.printed('watching the addresses of the application every 0.05 s');
    expect(await status()).toBe(503);
    await node();
    // Workers of before the reload may answer 503 for a moment after the first 200.
    const first = await vi.waitFor(() => connect(nginx.url, { ca }), { timeout: 15_000 });
    await node();
    await watcher.printed(`application: unix:${folder.path}/0.sock unix:${folder.path}/1.sock`);
    await expect.poll(async () => Object.keys(await served(2))).toContain('1.sock');
    await first.settled();
    await first.close(1000);
    expect(await nginx.logs()).not.toContain('secret');
  });

  it('drains: sessions end with 1012, and the next ones are on the other node', async () => {
    const [leaving, staying] = [await node(), await node()];
    await start({ appSocket: folder.path });
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(nginx.url, { ca })));
    const registry = leaving.app.get(SessionRegistry, { strict: false });
    const ending = clients.filter(({ id }) => registry.find(id) !== undefined);
    expect(ending).toHaveLength(2);
    await leaving.stop();
    for (const client of ending) expect(await client.closed).toEqual({ code: 1012, reason: 'service_restart' });
    const next = await Promise.all(Array.from({ length: 4 }, () => connect(nginx.url, { ca })));
    const others = staying.app.get(SessionRegistry, { strict: false });
    expect(next.every(({ id }) => others.find(id) !== undefined)).toBe(true);
    await Promise.all([...clients, ...next].map((client) => client.close(1000)));
  });
});

describe('nginx by TCP', () => {
  it('serves by a name that only /etc/hosts knows, while the name server is dead', async () => {
    const server = await node();
    await start({ appPort: server.port, app: { name: 'localhost', nameServer: '127.53.0.0' } });
    expect(await status()).toBe(200);
  });

  it('follows the addresses of a name, and keeps the last ones while its name server is dead', async () => {
    const server = await node();
    const names = await NameServer.start('127.0.0.2');
    let stopped = false;
    const stopNames = async (): Promise<void> => {
      if (!stopped) await names.stop();
      stopped = true;
    };
    stops.push(stopNames);
    await start({ appPort: server.port, app: { name: 'app.test', nameServer: names.address }, variables: OFTEN });
    expect(await status()).toBe(503);
    const watcher = nginx.watch('39-upstream.sh');
    await watcher.printed('watching');
    names.addresses = ['127.0.0.1', '127.0.0.2'];
    await watcher.printed(`application: 127.0.0.1:${server.port} 127.0.0.2:${server.port}`);
    await expect.poll(() => status()).toBe(200);

    const unresolved = join(nginx.folder, 'run/unresolved');
    await expect(readFile(unresolved)).rejects.toThrow('ENOENT');
    await stopNames();
    await watcher.printed('cannot resolve app.test of APP; using the last known addresses');
    expect(await readFile(unresolved, 'utf8')).toContain('app.test'); // the health check looks for the file
    expect(await status()).toBe(200);
    expect(watcher.lines.filter((line) => line.includes('cannot resolve'))).toHaveLength(1);
  });

  describe('with a name server of its own', () => {
    let names: NameServer;
    let watcher: ReturnType<Nginx['watch']>;
    const reloads = (): string[] => watcher.lines.filter((line) => line.includes('application: '));
    async function watchNames(variables: Record<string, string>, ...addresses: string[]): Promise<void> {
      names = await NameServer.start(...addresses);
      stops.push(() => names.stop());
      await start({ appPort: 3000, app: { name: 'app.test', nameServer: names.address }, variables });
      watcher = nginx.watch('39-upstream.sh');
      await watcher.printed('watching');
    }

    it('keeps one set of addresses while each answer has 8 of 9 in rotation', async () => {
      const all = Array.from({ length: 9 }, (_, index) => `127.0.0.${index + 1}`);
      await watchNames(OFTEN, ...all);
      for (let absent = 0; absent < 9; absent++) {
        const before = names.queries;
        names.addresses = all.filter((_, index) => index !== absent);
        await expect.poll(() => names.queries, { timeout: 10_000 }).toBeGreaterThan(before + 3);
      }
      expect(reloads()).toEqual([]);
      names.addresses = all.slice(1);
      await watcher.printed(
        `application: ${all
          .slice(1)
          .map((address) => `${address}:3000`)
          .join(' ')}`,
      );
      expect(reloads()).toHaveLength(1);
    });

    it('adds at once where it has no address, and then reloads once for several changes', async () => {
      await watchNames({ APP_CHECK_SECONDS: '0.5' });
      names.addresses = ['127.0.0.1'];
      await watcher.printed('application: 127.0.0.1:3000');
      const before = names.queries;
      names.addresses = ['127.0.0.1', '127.0.0.2'];
      await expect.poll(() => names.queries, { timeout: 10_000 }).toBeGreaterThan(before);
      names.addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
      await watcher.printed('127.0.0.4:3000');
      expect(reloads().map((line) => line.replace(/.*application: /, ''))).toEqual([
        '127.0.0.1:3000',
        '127.0.0.1:3000 127.0.0.2:3000 127.0.0.3:3000 127.0.0.4:3000',
      ]);
    });

    it.each(['upstream.conf.new', 'addresses-app.test-3000.new', 'unresolved.new'])(
      'goes on after it could not write %s',
      async (file) => {
        await watchNames(OFTEN, '127.0.0.1');
        await mkdir(join(nginx.folder, 'run', file));
        names.addresses = file.startsWith('unresolved') ? [] : ['127.0.0.1', '127.0.0.2'];
        await watcher.printed('cannot write');
        expect(await readFile(join(nginx.folder, 'run/upstream.conf'), 'utf8')).toContain('server 127.0.0.1:3000');
        await rmdir(join(nginx.folder, 'run', file));
        names.addresses = ['127.0.0.1', '127.0.0.2'];
        await watcher.printed('application: 127.0.0.1:3000 127.0.0.2:3000');
        expect(watcher.lines.filter((line) => line.includes('cannot write'))).toHaveLength(1);
      },
    );
  });

  it('answers within two seconds while no address is known', async () => {
    await start({ appPort: 3000, app: { name: 'app.test', nameServer: '127.53.0.0' } });
    const before = performance.now();
    expect(await status()).toBe(503);
    expect(performance.now() - before).toBeLessThan(2000);
    expect(await readFile(join(nginx.folder, 'run/unresolved'), 'utf8')).toContain('app.test');
  });

  it('serves within three seconds beside two nodes that no longer answer', async () => {
    const server = await node();
    const [first, second] = [await SilentPort.open(), await SilentPort.open()];
    stops.push(
      () => first.close(),
      () => second.close(),
    );
    await start({ variables: { APP: `127.0.0.1:${first.port} 127.0.0.1:${second.port} 127.0.0.1:${server.port}` } });
    for (let count = 0; count < 3; count++) {
      const before = performance.now();
      expect(await status()).toBe(200);
      expect(performance.now() - before).toBeLessThan(3500);
    }
  });

  it('takes a list of addresses', async () => {
    const server = await node();
    const APP = `127.0.0.1:${server.port} 127.0.0.9:${server.port} [::1]:${server.port}`;
    await start({ variables: { APP } });
    expect(await status()).toBe(200);
    expect(await readFile(join(nginx.folder, 'run/upstream.conf'), 'utf8')).toContain(`server [::1]:${server.port}`);
  });

  it.each(['app', 'unix:sockets', 'http://app:3000', 'app:port', "app:3000';"])('refuses APP=%s', async (APP) => {
    await expect(start({ variables: { APP } })).rejects.toThrow(
      'APP must list unix:/FOLDER, unix:/FOLDER/NAME.sock or HOST:PORT',
    );
  });

  it.each(['app:0', 'app:03000', 'app:65536', '127.0.0.1:99999', '[::1]:99999'])(
    'refuses the port of %s',
    async (APP) => {
      await expect(start({ variables: { APP } })).rejects.toThrow(`a port is from 1 to 65535 (it contains ${APP})`);
    },
  );
});
