import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/settings/setting.js';
import { connect } from '../support/client.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A build takes 10 s, and a minute on a busy machine. */
const BUILD_TIMEOUT_MS = 240_000;
/** Files of a fresh clone that a start needs. */
const NEEDED = ['src', 'config', 'scripts', 'package.json', 'nest-cli.json', 'tsconfig.json'];

interface Running {
  readonly process: ChildProcess;
  /** `ws://HOST:PORT/wss`, from the log. */
  readonly url: string;
}

describe('a start', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchboard-start-'));
    for (const name of NEEDED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL'); // left by a failed test
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs a command in the clone, without settings of this environment. */
  const run = (command: string, args: string[], variables: Record<string, string> = {}): ChildProcess => {
    const env = { ...process.env, ...variables };
    for (const { variable } of SETTINGS) if (!(variable in variables)) delete env[variable];
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    return child;
  };
  const outcome = async (child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> => {
    const [[code], out, err] = await Promise.all([once(child, 'close'), text(child.stdout!), text(child.stderr!)]);
    return { code: code as number | null, out, err };
  };
  const listening = async (child: ChildProcess): Promise<Running> => {
    let output = '';
    for await (const chunk of child.stdout!) {
      output += String(chunk);
      const url = /url"?[=:]"?(ws:[^\s"]+)/.exec(output)?.[1];
      if (url !== undefined) return { process: child, url };
    }
    throw new Error(`the server did not start: ${output}`);
  };
  const builtMs = (): number => statSync(join(folder, 'dist/main.js')).mtimeMs;

  it(
    'by npm start builds if there is no build, serves, and ends with 0 on SIGTERM',
    async () => {
      expect(existsSync(join(folder, 'dist'))).toBe(false);
      const server = await listening(run('npm', ['start', '--silent'], { PORT: '0' }));
      const alice = await connect(server.url);
      expect(alice.welcome).toMatchObject({ type: 'sys.welcome', data: { protocol: 1 } });
      server.process.kill('SIGTERM');
      const [[code], { code: closed }] = await Promise.all([once(server.process, 'exit'), alice.closed]);
      expect({ code: code as unknown, closed }).toEqual({ code: 0, closed: 1012 });
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'builds again only if a source is newer than the build',
    async () => {
      const before = builtMs();
      const wrong = { PORT: 'none' };
      await outcome(run('node', ['scripts/start.js'], wrong));
      expect(builtMs()).toBe(before);
      const later = new Date(Date.now() + 1000);
      utimesSync(join(folder, 'src/main.ts'), later, later);
      await outcome(run('node', ['scripts/start.js'], wrong));
      expect(builtMs()).toBeGreaterThan(before);
    },
    BUILD_TIMEOUT_MS,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)('from the build serves until %s, and ends with 0', async (signal) => {
    const server = await listening(run('node', ['dist/main.js'], { PORT: '0', HOST: 'localhost' }));
    server.process.kill(signal);
    const [code] = await once(server.process, 'exit');
    expect(code).toBe(0);
  });

  it('in production logs JSON, one object a line', async () => {
    const child = run('node', ['dist/main.js'], { PORT: '0', NODE_ENV: 'production', LOG_LEVEL: 'debug' });
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
    expect(await outcome(run('node', ['dist/main.js'], wrong))).toEqual({
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
    const file = join(folder, 'dist/handlers/sum.gateway.js');
    const built = readFileSync(file, 'utf8');
    writeFileSync(file, built.replace("SubscribeMessage('demo.sum')", 'SubscribeMessage(0)'));
    const ended = await outcome(run('node', ['dist/main.js'], { PORT: '0' }));
    writeFileSync(file, built);
    expect(ended).toEqual({
      code: 78,
      out: '',
      err: 'switchboard: SumGateway.sum claims a type that is a number (0); a type is a string of 1 to 64 characters of A-Z a-z 0-9 . _ : -\n',
    });
  });

  it('on a port in use ends with 1 and one line that names the port', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, err } = await outcome(run('node', ['dist/main.js'], { PORT: String(port) }));
    expect({ code, err }).toEqual({
      code: 1,
      err: `switchboard: cannot listen: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
    });
    await once(other.close(), 'close');
  });
});
