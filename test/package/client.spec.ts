import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../support/server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

const PAGE = `
  import { connect, SendError, type Client } from 'switchboard-client';
  import { wechatSocket } from 'switchboard-client/wechat';
  interface Messages {
    'dice.roll': { request: { sides: number }; answer: { rolled: number } };
    chat: { message: { text: string } };
  }
  export async function play(client: Client<Messages> = connect<Messages>('wss://localhost/wss')): Promise<number> {
    // @ts-expect-error the data is missing
    client.request('dice.roll').catch((error: unknown) => error instanceof SendError);
    client.on('chat', ({ data }) => data.text.trim());
    void wechatSocket;
    return (await client.request('dice.roll', { sides: 6 })).rolled;
  }`;

describe('the package switchboard-client', () => {
  let folder: string;
  let packed: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-package-'));
    const pack = ['pack', '-w', 'packages/client', '--ignore-scripts', '--json', '--pack-destination', folder];
    const { stdout } = await run('npm', pack, { cwd: ROOT });
    packed = /switchboard-client-[\d.]+\.tgz/.exec(stdout)![0];
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    const install = ['install', '--offline', '--no-audit', '--no-fund', join(folder, packed)];
    await run('npm', install, { cwd: folder });
    await symlink(join(ROOT, 'node_modules/ws'), join(folder, 'node_modules/ws'));
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true }));

  it('installs nothing but itself, and no source', async () => {
    const installed = join(folder, 'node_modules/switchboard-client');
    const names = await readdir(installed);
    expect(names.toSorted()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'generator', 'package.json']);
    const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as object & {
      dependencies?: object;
    };
    expect(dependencies).toBeUndefined();
    for (const name of (await readdir(join(installed, 'dist'))).filter((each) => each.endsWith('.ts')))
      expect(await readFile(join(installed, 'dist', name), 'utf8')).not.toMatch(/from '(?!\.\/)/);
  });

  it('says what it needs, and has no link to a file that is not packed', async () => {
    const installed = join(folder, 'node_modules/switchboard-client');
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({ engines: { node: '>=20.19' }, publishConfig: { access: 'public' } });
    const readme = await readFile(join(installed, 'README.md'), 'utf8');
    for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)]+)\)/g))
      expect(await readdir(installed)).toContain(target);
  });

  it.each([
    ['bundler', 'page.ts', ['--module', 'esnext', '--moduleResolution', 'bundler']],
    ['nodenext in a module', 'page.mts', ['--module', 'nodenext']],
    ['nodenext in a CommonJS file', 'page.cts', ['--module', 'nodenext']],
    ['node10', 'page.ts', ['--module', 'esnext', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0']],
  ])('has its types complete for the resolution of %s', async (_, name, flags) => {
    await writeFile(join(folder, name), PAGE);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const common = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom'];
    const { stdout } = await run(process.execPath, [tsc, ...common, ...flags, name], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });

  it.each([
    ['import', 'page.mjs', `import { connect } from 'switchboard-client'; import { WebSocket } from 'ws';`],
    ['require', 'page.cjs', `const { connect } = require('switchboard-client'); const { WebSocket } = require('ws');`],
  ])('talks to a server in Node, by %s', async (_, name, imports) => {
    const server = await startServer();
    await writeFile(
      join(folder, name),
      `${imports}
       const ann = connect(process.argv[2], { WebSocket });
       ann.request('demo.sum', { numbers: [1, 2] }).then(({ sum }) => { console.log(sum); ann.close(); });`,
    );
    const { stdout } = await run(process.execPath, [name, server.url], { cwd: folder });
    expect(stdout).toBe('3\n');
    await server.stop();
  });

  it('is bundled by Vite into one file of a page', async () => {
    await mkdir(join(folder, 'page'), { recursive: true });
    await writeFile(join(folder, 'index.html'), '<script type="module" src="./main.ts"></script>');
    await writeFile(join(folder, 'main.ts'), `${PAGE}\nawait play();`);
    const output = join(folder, 'page');
    await build({ root: folder, configFile: false, logLevel: 'error', build: { outDir: output, target: 'es2022' } });
    const [script] = (await readdir(join(output, 'assets'))).filter((name) => name.endsWith('.js'));
    expect(await readFile(join(output, 'assets', script!), 'utf8')).toContain('switchboard.v1');
  });
});
