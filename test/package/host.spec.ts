import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { HostApplication, type RunningHost } from './host-application.js';
import { pack } from './packed.js';
import { recordGateway, recordHttp } from './recorded-answers.js';
import { ROOT, run } from './run.js';

/** Milliseconds for installations and builds on a loaded machine. */
const INSTALL_MS = 900_000;

let folder: string;
let packedPath: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-package-'));
  packedPath = await pack(folder);
}, INSTALL_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Recorded {
  readonly http: Record<string, unknown>;
  readonly gateway: unknown;
  readonly standardError: string;
}

describe.each([
  { platform: 'express', type: 'commonjs' },
  { platform: 'fastify', type: 'module' },
] as const)('a host application on $platform, as $type, with Switchboard', ({ platform, type }) => {
  let host: HostApplication;
  let before: Recorded;
  let running: RunningHost;
  let url: string;

  const record = async (): Promise<Recorded> => {
    const started = await host.start();
    const http = await recordHttp(started.port);
    const gateway = await recordGateway(started.port, () => started.stop());
    return { http, gateway, standardError: started.standardError };
  };

  beforeAll(async () => {
    host = await HostApplication.install(join(folder, platform), platform, type);
    before = await record();
    await host.addSwitchboard(packedPath);
    running = await host.start();
    url = `ws://127.0.0.1:${running.port}/wss`;
  }, INSTALL_MS);
  afterAll(() => running?.stop());

  it('answers as before', async () => {
    expect(Object.keys(before.http).length).toBeGreaterThan(25);
    expect(await record()).toEqual(before);
  }, 120_000);

  it('has one copy of each package of Nest that it had', async () => {
    const names = [
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/websockets',
      '@nestjs/swagger',
      'class-validator',
      'rxjs',
    ];
    for (const name of names) {
      const found = await run('find', ['node_modules', '-path', `*node_modules/${name}/package.json`], host.folder);
      expect(found.trim().split('\n')).toEqual([`node_modules/${name}/package.json`]);
    }
  });

  it('carries messages between sessions and reports a departure', async () => {
    const [alice, bob] = [await connect(url), await connect(url)];
    alice.send({ type: 'chat', receiver: bob.id, id: '1', data: { text: 'hello' } });
    expect(await bob.next('chat')).toMatchObject({ sender: alice.id, data: { text: 'hello' } });
    expect(await alice.answer('1')).toMatchObject({ type: 'sys.ack', data: { status: 'routed' } });
    bob.terminate();
    expect(await alice.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 1006 } });
    await alice.close();
  });

  it('answers messages by handlers with DTOs, exceptions and providers of the host', async () => {
    const alice = await connect(url);
    const answer = async (name: string, data: unknown): Promise<unknown> => {
      alice.send({ type: name, id: name, data });
      return (await alice.answer(name)).data as unknown;
    };
    expect(await answer('dice.roll', { sides: 6 })).toEqual({ sides: 6 });
    expect(await answer('notes.count', null)).toEqual({ notes: 0, sender: alice.id, sessions: 1 });
    expect(await answer('dice.cheat', 'http')).toEqual({ code: 'forbidden', message: 'not allowed' });
    expect(await answer('dice.lose', 'ws')).toEqual({ code: 'refused', message: 'not today' });
    expect(await answer('dice.throw', { sides: 1000 })).toEqual({
      code: 'invalid_message',
      message: 'data.sides must not be greater than 100',
    });
    await alice.close();
  });

  it.each([
    ['commonjs', 'node10', 'ts'],
    ['node16', 'node16', 'mts'],
    ['nodenext', 'nodenext', 'mts'],
    ['nodenext', 'nodenext', 'cts'],
    ['esnext', 'bundler', 'ts'],
  ])(
    'gets types by module %s and resolution %s in a file .%s',
    async (module, resolution, extension) => {
      const name = `use-${module}.${extension}`;
      await cp(join(ROOT, 'test/package/added/use.ts'), join(host.folder, name));
      const flags = [
        '--strict',
        '--experimentalDecorators',
        '--skipLibCheck',
        '--noEmit',
        '--ignoreDeprecations',
        '6.0',
      ];
      const modes = ['--target', 'es2023', '--types', 'node', '--module', module, '--moduleResolution', resolution];
      await run('npx', ['tsc', '--ignoreConfig', ...flags, ...modes, name], host.folder);
    },
    60_000,
  );

  it('may start a server of its own by createApp', async () => {
    const server = await host.startProgram(`import('switchboard').then(async ({ createApp, startApp }) => {
      const app = await createApp({ variables: { PORT: '0', LOG_LEVEL: 'error' } });
      console.log('listening on port ' + (await startApp(app)));
    });`);
    const alice = await connect(`ws://127.0.0.1:${server.port}/wss`);
    expect(alice.welcome).toMatchObject({ type: 'sys.welcome' });
    await alice.close();
    await server.stop();
  });

  it('gets one instance of the package by import and by require', async () => {
    const program = `const required = require('switchboard');
      import('switchboard').then((imported) => console.log(imported.Switchboard === required.Switchboard));`;
    expect(await run('node', ['--input-type=commonjs', '--eval', program], host.folder)).toBe('true\n');
  });
});
