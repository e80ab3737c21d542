import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { replaceOnce } from './packed.js';
import { ROOT, run } from './run.js';

export type Platform = 'express' | 'fastify';

const PACKAGES: Readonly<Record<Platform, Readonly<Record<string, string>>>> = {
  express: { '@nestjs/platform-express': '^12.0.0' },
  fastify: { '@nestjs/platform-fastify': '^12.0.0', '@fastify/static': '^10.1.10' },
};
const NPM_INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline'];
/** Variables that belong to the host, with values that the settings of the same names refuse. */
const ITS_OWN = { AUTH: 'by the host', HEARTBEAT_MS: 'never', HTTP_BASE: 'api', LOG_LEVEL: 'verbose', WS_PATH: 'live' };

/** A Nest application with a folder, packages and a build of its own. */
export class HostApplication {
  private constructor(readonly folder: string) {}

  /** Installs and builds the application without Switchboard. @param type of its package, which decides what tsc emits */
  static async install(folder: string, platform: Platform, type: 'commonjs' | 'module'): Promise<HostApplication> {
    const host = new HostApplication(folder);
    await cp(join(ROOT, 'test/package/host'), folder, { recursive: true });
    await rename(join(folder, `src/platform.${platform}.ts`), join(folder, 'src/platform.ts'));
    for (const other of Object.keys(PACKAGES)) await rm(join(folder, `src/platform.${other}.ts`), { force: true });
    const file = join(folder, 'package.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as { dependencies: Record<string, string> };
    const dependencies = { ...manifest.dependencies, ...PACKAGES[platform] };
    await writeFile(file, JSON.stringify({ ...manifest, type, dependencies }, null, 2));
    await run('npm', NPM_INSTALL, folder);
    await host.build();
    return host;
  }

  /** Installs the packed file, adds the two lines and a gateway, and builds. */
  async addSwitchboard(packedPath: string): Promise<void> {
    await run('npm', [...NPM_INSTALL, packedPath], this.folder);
    const [module, main] = [join(this.folder, 'src/app.module.ts'), join(this.folder, 'src/main.ts')];
    await cp(join(ROOT, 'test/package/added/dice.gateway.ts'), join(this.folder, 'src/dice.gateway.ts'));
    await replaceOnce(
      module,
      "import { Note } from './note.entity.js';",
      "import { Note } from './note.entity.js';\nimport { SwitchboardModule } from 'switchboard';\nimport { DiceGateway } from './dice.gateway.js';",
    );
    await replaceOnce(module, '  imports: [\n', '  imports: [\n    SwitchboardModule.forRoot(),\n');
    await replaceOnce(module, '    LiveGateway,\n', '    LiveGateway,\n    DiceGateway,\n');
    await replaceOnce(
      main,
      "import { WsAdapter } from '@nestjs/platform-ws';",
      "import { SwitchboardAdapter } from 'switchboard';",
    );
    await replaceOnce(main, 'new WsAdapter(app)', 'new SwitchboardAdapter(app)');
    await this.build();
  }

  /** Compiles the application, as `nest build` does. */
  async build(): Promise<void> {
    await run('npx', ['tsc'], this.folder);
  }

  async start(): Promise<RunningHost> {
    return this.#run(['dist/main.js'], { ...ITS_OWN, PORT: '0' });
  }

  /** Starts a program of CommonJS in the folder, with its packages. */
  async startProgram(program: string): Promise<RunningHost> {
    return this.#run(['--input-type=commonjs', '--eval', program], {});
  }

  async #run(args: readonly string[], variables: Readonly<Record<string, string>>): Promise<RunningHost> {
    const env = { ...process.env, NO_COLOR: '1', ...variables };
    const running = new RunningHost(
      spawn(process.execPath, args, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    await running.listening;
    return running;
  }
}

/** A host application that runs as a process. */
export class RunningHost {
  /** Resolves to the port; rejects where the process ends before. */
  readonly listening: Promise<number>;
  #port = 0;
  #out = '';
  #err = '';

  constructor(private readonly child: ChildProcess) {
    process.once('exit', () => child.kill('SIGKILL'));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#err += text));
    this.listening = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        this.#out += `${line}\n`;
        const port = /^listening on port (\d+)$/.exec(line)?.[1];
        if (port === undefined) return;
        this.#port = Number(port);
        resolve(this.#port);
      });
      child.once('close', () => reject(new Error(`the host ended: ${this.#out}${this.#err}`)));
    });
  }

  get port(): number {
    return this.#port;
  }

  get standardError(): string {
    return this.#err;
  }

  get log(): string {
    return this.#out;
  }

  /** Ends the process by SIGTERM and returns how it ended. */
  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.child.exitCode !== null || this.child.signalCode !== null)
      throw new Error(`the host ended by itself: ${this.#out}${this.#err}`);
    this.child.kill('SIGTERM');
    const [code, signal] = (await once(this.child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal };
  }
}
