import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { ServerProcess } from '../support/process.js';
import { connectUnix, socketFolder } from '../support/unix-socket.js';

const GATEWAY = '172.18.0.1';
const ONE = /^nearly all sessions have one private address: .*FRONT_PROXIES/;
const FEW = /^nearly all sessions have a few private addresses: .*FRONT_PROXIES/;
const NONE = /^nearly all sessions come by the Unix socket without an address: .*X-Forwarded-For/;

describe('the warning that nearly all sessions have one private address', () => {
  let server: ServerProcess | undefined;
  afterEach(() => server?.kill());

  /** Opens sessions, one by one, because the line has the number of sessions at its time. */
  async function open(count: number, from: (index: number) => string): Promise<Client[]> {
    const clients: Client[] = [];
    for (let index = 0; index < count; index++)
      clients.push(await connect(server!.url, { headers: { 'X-Forwarded-For': from(index) } }));
    return clients;
  }

  /** Returns the fields of the warnings once the server has written all lines of its life. */
  async function warnings(text: RegExp): Promise<object[]> {
    server!.signal('SIGTERM');
    await server!.ended;
    return server!.lines
      .filter(({ level, message }) => level === 'warn' && text.test(message))
      .map(({ level, address, sessions }) => ({ level, address, sessions }));
  }

  it('is written once at 50 sessions, and once more when it was no longer so', async () => {
    server = await ServerProcess.start({ FRONT_PROXIES: '127.0.0.1', NOTICE_SCOPE: 'none', DRAIN_SPREAD_MS: '0' });
    await open(60, () => GATEWAY);
    const others = await open(16, (index) => `203.0.113.${index}`);
    for (const client of others) await client.close(1000);
    await open(1, () => GATEWAY);
    expect(await warnings(ONE)).toEqual([
      { level: 'warn', address: GATEWAY, sessions: 50 },
      { level: 'warn', address: GATEWAY, sessions: 61 },
    ]);
  });

  it('is written for a load balancer that has an address in each zone', async () => {
    server = await ServerProcess.start({ FRONT_PROXIES: '127.0.0.1', NOTICE_SCOPE: 'none', DRAIN_SPREAD_MS: '0' });
    await open(60, (index) => `10.0.${index % 4}.1`);
    expect(await warnings(/^nearly/)).toEqual([
      { level: 'warn', address: '10.0.0.1, 10.0.1.1, 10.0.2.1, 10.0.3.1', sessions: 50 },
    ]);
    expect(server.lines.filter(({ message }) => FEW.test(message))).toHaveLength(1);
  });

  it('is written for a proxy at the Unix socket that sends no address', async () => {
    const folder = socketFolder();
    server = await ServerProcess.start({ LISTEN: `unix:${folder.path}/0.sock`, DRAIN_SPREAD_MS: '0' });
    for (let count = 0; count < 50; count++) await connectUnix(`${folder.path}/0.sock`);
    expect(await warnings(NONE)).toEqual([{ level: 'warn', address: 'unix:', sessions: 50 }]);
    folder.remove();
  });

  it.each([
    ['a public address', () => '203.0.113.7'],
    ['private addresses of their own', (index: number) => `10.0.0.${index}`],
    ['five private addresses', (index: number) => `10.0.0.${index % 5}`],
    ['one private address in nine of ten cases', (index: number) => (index % 10 === 0 ? `10.0.0.${index}` : GATEWAY)],
  ])('is not written for 60 sessions with %s', async (_, from) => {
    server = await ServerProcess.start({ FRONT_PROXIES: '127.0.0.1', NOTICE_SCOPE: 'none', DRAIN_SPREAD_MS: '0' });
    await open(60, from);
    expect(await warnings(/^nearly/)).toEqual([]);
  });
});
