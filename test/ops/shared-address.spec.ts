import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Client } from '../support/client.js';
import { ServerProcess } from '../support/process.js';

const GATEWAY = '172.18.0.1';
const MESSAGE = /^nearly all sessions have one private address: .*FRONT_PROXIES/;

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
  async function warnings(): Promise<object[]> {
    server!.signal('SIGTERM');
    await server!.ended;
    return server!.lines
      .filter(({ message }) => MESSAGE.test(message))
      .map(({ level, address, sessions }) => ({ level, address, sessions }));
  }

  it('is written once at 50 sessions, and once more when it was no longer so', async () => {
    server = await ServerProcess.start({ FRONT_PROXIES: '127.0.0.1', NOTICE_SCOPE: 'none', DRAIN_SPREAD_MS: '0' });
    await open(60, () => GATEWAY);
    const others = await open(16, (index) => `203.0.113.${index}`);
    for (const client of others) await client.close(1000);
    await open(1, () => GATEWAY);
    expect(await warnings()).toEqual([
      { level: 'warn', address: GATEWAY, sessions: 50 },
      { level: 'warn', address: GATEWAY, sessions: 61 },
    ]);
  });

  it.each([
    ['a public address', () => '203.0.113.7'],
    ['private addresses of their own', (index: number) => `10.0.0.${index}`],
    ['one private address in nine of ten cases', (index: number) => (index % 10 === 0 ? `10.0.0.${index}` : GATEWAY)],
  ])('is not written for 60 sessions with %s', async (_, from) => {
    server = await ServerProcess.start({ FRONT_PROXIES: '127.0.0.1', NOTICE_SCOPE: 'none', DRAIN_SPREAD_MS: '0' });
    await open(60, from);
    expect(await warnings()).toEqual([]);
  });
});
