import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/ask.js';
import { connect } from '../support/client.js';
import { Clone, listeningUrl, outcome } from '../support/clone.js';

const EXAMPLES = ['call', 'cookbook', 'dashboard', 'group-chat'] as const;
/** Pages that an example serves beside its script. */
const PAGES = { call: '/call', cookbook: undefined, dashboard: '/dashboard', 'group-chat': undefined } as const;
/** The list of handlers after the steps of the cookbook. */
const HANDLERS = `
import { Module } from '@nestjs/common';
import { Database, DatabaseSession } from './database.js';
import { StockGateway } from './stock.gateway.js';

@Module({ providers: [Database, DatabaseSession, StockGateway] })
export class HandlersModule {}
`;

describe('npm run example', () => {
  let clone: Clone;
  beforeAll(() => {
    clone = new Clone(['examples']);
  });
  afterEach(() => clone.killAll());
  afterAll(() => clone.remove());

  it.each(EXAMPLES)(
    'starts the example %s, to which a client connects',
    async (name) => {
      const example = clone.run('npm', ['run', 'example', '--', name], { PORT: '0' });
      const url = await listeningUrl(example);
      const client = await connect(url);
      expect(client.welcome.type).toBe('sys.welcome');
      if (PAGES[name] !== undefined) {
        const page = new URL(PAGES[name], url.replace(/^ws/, 'http'));
        expect((await ask(page.href)).status).toBe(200);
        expect((await ask(`${page.href}/page.js`)).status).toBe(200);
      }
      example.kill('SIGTERM');
      const [[code], { code: closed }] = await Promise.all([once(example, 'exit'), client.closed]);
      expect([code, closed]).toEqual([0, 1012]);
    },
    300_000, // the first one builds
  );

  it('has gateways in its cookbook that run where they are copied into src/handlers', async () => {
    for (const name of ['stock.gateway.ts', 'database.ts'])
      cpSync(clone.path(`examples/cookbook/${name}`), clone.path(`src/handlers/${name}`));
    writeFileSync(clone.path('src/handlers/handlers.module.ts'), HANDLERS);
    const server = clone.run('npm', ['start', '--silent'], { PORT: '0' });
    const client = await connect(await listeningUrl(server));
    client.send({ type: 'stock.change', id: '1', data: { item: 'bolts', change: 1 } });
    expect(await client.answer('1')).toMatchObject({ type: 'stock.change', data: { count: 1 } });
    await client.close();
  }, 300_000);

  it.each([
    [['grup-chat'], 'there is no example "grup-chat"'],
    [[], 'the name of an example is missing'],
  ])('with the arguments %j names the examples of the folder', async (args, problem) => {
    const { code, err } = await outcome(clone.run('npm', ['run', '--silent', 'example', '--', ...args]));
    expect({ code, err }).toEqual({
      code: 64,
      err: `example: ${problem}; run npm run example -- call | cookbook | dashboard | group-chat\n`,
    });
  });

  it('with a port in use prints one line with the remedy', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, err } = await outcome(
      clone.run('npm', ['run', '--silent', 'example', '--', 'call'], { PORT: String(port) }),
    );
    expect({ code, err }).toEqual({
      code: 1,
      err: `example: 127.0.0.1:${port} is in use by another process: stop that process, or set PORT to another port\n`,
    });
    await once(other.close(), 'close');
  }, 300_000);

  it('has a test for each example', () => {
    const names = readdirSync(clone.path('examples')).filter((name) =>
      existsSync(clone.path(`examples/${name}/main.ts`)),
    );
    expect(names).toEqual(EXAMPLES);
  });
});
