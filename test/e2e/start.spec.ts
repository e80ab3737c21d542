import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { Clone, listeningUrl, outcome } from '../support/clone.js';

/** A build takes 10 s, and a minute on a busy machine. */
const BUILD_TIMEOUT_MS = 240_000;

describe('a start', () => {
  let clone: Clone;
  beforeAll(() => {
    clone = new Clone();
  });
  afterEach(() => clone.killAll());
  afterAll(() => clone.remove());

  it(
    'by npm start builds if there is no build, serves, and ends with 0 on SIGTERM',
    async () => {
      expect(existsSync(clone.path('dist'))).toBe(false);
      const server = clone.run('npm', ['start', '--silent'], { PORT: '0' });
      const alice = await connect(await listeningUrl(server));
      expect(alice.welcome).toMatchObject({ type: 'sys.welcome', data: { protocol: 1 } });
      server.kill('SIGTERM');
      const [[code], { code: closed }] = await Promise.all([once(server, 'exit'), alice.closed]);
      expect({ code: code as unknown, closed }).toEqual({ code: 0, closed: 1012 });
    },
    BUILD_TIMEOUT_MS,
  );

  it('builds again only if a source is newer than the build, or a part of the build is missing', async () => {
    const manifest = readFileSync(clone.path('package.json'), 'utf8');
    writeFileSync(clone.path('package.json'), manifest.replace(/"build": "[^"]+"/, '"build": "echo the build runs"'));
    const isBuilt = async (): Promise<boolean> => {
      const { err } = await outcome(clone.run('node', ['scripts/start.js'], { PORT: 'none' }));
      const built = err.includes('the build runs');
      expect(err.startsWith('building the server and the client; this takes about 10 s\n')).toBe(built);
      return built;
    };
    expect(await isBuilt()).toBe(false);
    const later = new Date(Date.now() + 60_000);
    utimesSync(clone.path('src/main.ts'), later, later);
    expect(await isBuilt()).toBe(true);
    for (const name of ['main.js', 'client.min.js']) utimesSync(clone.path(`dist/${name}`), later, later);
    expect(await isBuilt()).toBe(false);
    renameSync(clone.path('dist/main.js'), clone.path('dist/main.js.moved'));
    expect(await isBuilt()).toBe(true);
    renameSync(clone.path('dist/main.js.moved'), clone.path('dist/main.js'));
    writeFileSync(clone.path('package.json'), manifest);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('from the build serves until %s, and ends with 0', async (signal) => {
    const server = clone.run('node', ['dist/main.js'], { PORT: '0', HOST: 'localhost' });
    await listeningUrl(server);
    server.kill(signal);
    const [code] = await once(server, 'exit');
    expect(code).toBe(0);
  });

  it('in production logs JSON, one object a line', async () => {
    const child = clone.run('node', ['dist/main.js'], { PORT: '0', NODE_ENV: 'production', LOG_LEVEL: 'debug' });
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout!)) {
      lines.push(line);
      if (line.includes('"listening"')) child.kill('SIGTERM');
    }
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('message');
  });

  it('with wrong settings ends with 78 and one line on standard error for each', async () => {
    const wrong = { PORT: 'none', LOG_LEVEL: 'loud', HEARTBEAT_MS: '1', ARRIVAL_NOTICES: 'true' };
    expect(await outcome(clone.run('node', ['dist/main.js'], wrong))).toEqual({
      code: 78,
      out: '',
      err: [
        'switchboard: PORT must be a whole number from 0 to 65535 (it is "none")',
        'switchboard: LOG_LEVEL must be error, warn, info or debug (it is "loud")',
        'switchboard: HEARTBEAT_MS must be a whole number of milliseconds from 50 to 2147483647 (it is 1)',
        'switchboard: ARRIVAL_NOTICES must be on or off (it is "true")',
        '',
      ].join('\n'),
    });
  });

  it('with a wrong claim of a handler ends with 78 and one line on standard error for each', async () => {
    const file = clone.path('dist/handlers/sum.gateway.js');
    const built = readFileSync(file, 'utf8');
    writeFileSync(file, built.replace("SubscribeMessage('demo.sum')", 'SubscribeMessage(0)'));
    const ended = await outcome(clone.run('node', ['dist/main.js'], { PORT: '0' }));
    writeFileSync(file, built);
    expect(ended).toEqual({
      code: 78,
      out: '',
      err: 'switchboard: SumGateway.sum claims a type that is a number (0); a type is a string of 1 to 64 characters of A-Z a-z 0-9 . _ : -\n',
    });
  });

  it('on a port in use ends with 1 and one line with the remedy, and no log', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    expect(await outcome(clone.run('node', ['dist/main.js'], { PORT: String(port) }))).toEqual({
      code: 1,
      out: '',
      err: `switchboard: 127.0.0.1:${port} is in use by another process: stop that process, or set PORT to another port\n`,
    });
    await once(other.close(), 'close');
  });

  it('on an address of another machine ends with 1 and one line with the remedy', async () => {
    expect(await outcome(clone.run('node', ['dist/main.js'], { PORT: '0', HOST: '192.0.2.1' }))).toEqual({
      code: 1,
      out: '',
      err: 'switchboard: 192.0.2.1 is not an address of this machine: correct HOST\n',
    });
  });

  it('reads .env in the working directory', async () => {
    writeFileSync(clone.path('.env'), 'WS_PATH=/socket\nPORT=1\n');
    const server = clone.run('node', ['dist/main.js'], { PORT: '0' });
    expect(new URL(await listeningUrl(server)).pathname).toBe('/socket');
    server.kill('SIGTERM');
    await once(server, 'exit');
  });

  it('with a wrong line in .env ends with 78 and the number of the line', async () => {
    writeFileSync(clone.path('.env'), 'PORT=0\nAUTH_SECRET secret\n');
    const ended = await outcome(clone.run('node', ['dist/main.js']));
    rmSync(clone.path('.env'));
    expect(ended).toEqual({ code: 78, out: '', err: 'switchboard: .env: line 2 must be NAME=value or # comment\n' });
  });
});
