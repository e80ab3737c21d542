import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { makeCertificates } from '../support/certificates.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startNode, type TestServer } from '../support/server.js';
import { connectUnix, socketFolder } from '../support/unix-socket.js';

let folder: ReturnType<typeof socketFolder>;
let servers: TestServer[];
beforeEach(() => {
  folder = socketFolder();
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  folder.remove();
});

async function start(name: string, variables: Record<string, string> = {}): Promise<TestServer> {
  const server = await startNode({ LISTEN: `unix:${join(folder.path, name)}`, ...variables });
  servers.push(server);
  return server;
}

const slot = (number: number): string => join(folder.path, `${number}.sock`);
const addressOf = (server: TestServer, { id }: Client): string | undefined =>
  server.app.get(SessionRegistry, { strict: false }).find(id)?.address;

describe('the Unix socket of LISTEN', () => {
  it('opens sessions beside the TCP port, and they exchange messages', async () => {
    const server = await start('0.sock');
    const [ann, bob] = await Promise.all([connectUnix(slot(0)), server.connect()]);
    ann.send({ type: 'offer', receiver: bob.id, data: 'grüße'.repeat(5000), id: '1' });
    expect((await bob.next('offer')).data).toBe('grüße'.repeat(5000));
    expect(await ann.answer('1')).toMatchObject({ data: { status: 'routed' } });
    await ann.close(1000);
    expect(await bob.next('sys.departed')).toMatchObject({ sender: ann.id, data: { code: 1000 } });
    await bob.close(1000);
  });

  it('answers HTTP', async () => {
    await start('0.sock');
    const asked = request({ socketPath: slot(0), path: '/health/ready' }).end();
    const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
    expect([response.statusCode, await text(response)]).toEqual([200, expect.stringContaining('ready')]);
  });

  it('may be opened by each user who may enter its folder', async () => {
    await start('0.sock');
    expect((statSync(slot(0)).mode & 0o777).toString(8)).toBe('666');
    expect(readdirSync(folder.path)).toEqual(['0.sock']);
  });

  it('believes the address headers of its proxy, without a secret, while TCP believes nobody', async () => {
    const server = await start('0.sock', { PROXY_SECRET_FILE: join(folder.path, 'secret') });
    const headers = { 'X-Forwarded-For': '203.0.113.7' };
    const ann = await connectUnix(slot(0), headers);
    expect(addressOf(server, ann)).toBe('203.0.113.7');
    const bob = await server.connect({ headers });
    expect(addressOf(server, bob)).toBe('127.0.0.1');
    const nameless = await connectUnix(slot(0));
    expect(addressOf(server, nameless)).toBe('unix:');
    await Promise.all([ann, bob, nameless].map((client) => client.close(1000)));
  });

  it('counts the sessions of each client address, and never those of the proxy together', async () => {
    await start('0.sock', { MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const from = (last: number) => connectUnix(slot(0), { 'X-Forwarded-For': `203.0.113.${last}` });
    const clients = await Promise.all([from(1), from(1), from(2), from(2), from(3)]);
    await expect(from(1)).rejects.toThrow('429');
    await Promise.all(clients.map((client) => client.close(1000)));
  });

  it('counts its idle connections towards MAX_CONNECTIONS', async () => {
    const server = await start('0.sock', { MAX_CONNECTIONS: '1' });
    const ann = await server.connect();
    await expect(connectUnix(slot(0))).rejects.toThrow('503');
    await ann.close(1000);
  });

  it('closes its sessions in the drain, refuses new ones meanwhile, and waits for a last response', async () => {
    const server = await start('0.sock');
    const [ann, idle] = [await connectUnix(slot(0)), dial(slot(0))];
    const held = once(idle, 'close');
    ann.socket.pause(); // holds the drain up, because the close frame is not answered
    const stopped = server.stop();
    const refused = await ask('http://localhost/wss', { socketPath: slot(0), headers: HANDSHAKE });
    expect([refused.status, JSON.parse(refused.body)]).toMatchObject([503, { error: { code: 'draining' } }]);
    ann.socket.resume();
    expect(await ann.closed).toEqual({ code: 1012, reason: 'service_restart' });
    await Promise.all([stopped, held]);
    await expect(connectUnix(slot(0))).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(slot(0))).toBe(true); // nginx logs a missing file more severely than a refused connection
  });
});

describe('the slots of LISTEN', () => {
  it('go to nodes in turn, and nodes that start at one moment share none', async () => {
    await Promise.all(Array.from({ length: 6 }, () => start('*.sock')));
    const nodes = await Promise.all(Array.from({ length: 6 }, (_, index) => connectUnix(slot(index))));
    expect(new Set(nodes.map(({ id }) => id.split('.')[0])).size).toBe(6);
    expect(readdirSync(folder.path).toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((each) => `${each}.sock`));
    await Promise.all(nodes.map((client) => client.close(1000)));
  });

  it('of dead nodes are taken over once, by nodes that start at one moment', async () => {
    await Promise.all([start('*.sock'), start('*.sock')]);
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    expect(readdirSync(folder.path)).toEqual(['0.sock', '1.sock']);
    await Promise.all(Array.from({ length: 4 }, () => start('*.sock')));
    const nodes = await Promise.all([0, 1, 2, 3].map((index) => connectUnix(slot(index))));
    expect(new Set(nodes.map(({ id }) => id.split('.')[0])).size).toBe(4);
    await Promise.all(nodes.map((client) => client.close(1000)));
  });
});

describe('a start with LISTEN', () => {
  const lines = keepLogLines();

  it('logs the socket', async () => {
    await start('*.sock', { LOG_LEVEL: 'info', LOG_FORMAT: 'json' });
    const listening = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(listening.filter(({ message }) => message === 'listening')).toMatchObject([{ socket: slot(0) }]);
  });

  it('ends with one sentence where another process has the socket, which keeps it', async () => {
    const first = await start('0.sock');
    await expect(start('0.sock')).rejects.toThrow(
      `${slot(0)} is in use by another process, or is no socket: stop that process, or set LISTEN to another path`,
    );
    const ann = await connectUnix(slot(0));
    expect(addressOf(first, ann)).toBe('unix:');
    await ann.close(1000);
  });

  it('ends with one sentence where all slots are in use', async () => {
    for (let number = 0; number < 16; number++) writeFileSync(slot(number), 'mine');
    await expect(start('*.sock')).rejects.toThrow(`the sockets 0 to 15 of ${folder.path} are in use: stop one of`);
    expect(readFileSync(slot(0), 'utf8')).toBe('mine');
  });

  it('ends with one sentence where there is no folder', async () => {
    await expect(start('none/0.sock')).rejects.toThrow(
      `the folder ${folder.path}/none of LISTEN does not exist: create it, and let the user of this process write to it`,
    );
  });

  it.each([0o755, 0o701, 0o2777])(
    'ends with one sentence where every user may enter the folder, mode %o',
    async (mode) => {
      chmodSync(folder.path, mode);
      await expect(start('0.sock')).rejects.toThrow(
        `every user may enter ${folder.path} and connect as the proxy: let only this process and the proxy enter, ` +
          `with chmod o= ${folder.path} and the group of the proxy`,
      );
      expect(readdirSync(folder.path)).toEqual([]);
    },
  );

  it('accepts a folder that one group may enter, that of the proxy', async () => {
    chmodSync(folder.path, 0o750);
    await start('0.sock');
    await (await connectUnix(slot(0))).close(1000);
  });

  it('ends with one sentence where the folder takes no socket', async () => {
    // Nobody may create a file there, not even root.
    const variables = { LISTEN: 'unix:/proc/self/0.sock' };
    await expect(startNode(variables)).rejects.toThrow('no permission to create a socket in /proc/self: let the user');
  });

  it('ends with one sentence where this process ends TLS itself', async () => {
    await makeCertificates(folder.path);
    const tls = { TLS_CERT_FILE: join(folder.path, 'server.crt'), TLS_KEY_FILE: join(folder.path, 'server.key') };
    await expect(start('0.sock', tls)).rejects.toThrow('LISTEN is for a proxy that ends TLS, and TLS_CERT_FILE');
  });

  it('accepts a path of 107 bytes', async () => {
    const name = `${'x'.repeat(107 - folder.path.length - '/.sock'.length)}.sock`;
    await start(name);
    await (await connectUnix(join(folder.path, name))).close(1000);
  });
});

it('a node without LISTEN has no Unix socket', async () => {
  const server = await startNode();
  servers.push(server);
  await (await connect(server.url)).close(1000);
  expect(readdirSync(folder.path)).toEqual([]);
});
