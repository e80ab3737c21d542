import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts } from './ports.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The project's own compose file on the engine that Docker's variables name, under a name and on ports of its own. */
export class Compose {
  private constructor(
    private readonly project: string,
    readonly httpsPort: number,
    private readonly variables: Readonly<Record<string, string>>,
  ) {}

  static async create(): Promise<Compose> {
    const [httpsPort, httpPort] = await freePorts();
    const ports = { HTTPS_PORT: String(httpsPort), HTTP_PORT: String(httpPort) };
    return new Compose('switchboard-test', httpsPort, ports);
  }

  get httpPort(): number {
    return Number(this.variables['HTTP_PORT']);
  }

  /** The same project, with more said in the environment. */
  with(variables: Readonly<Record<string, string>>): Compose {
    return new Compose(this.project, this.httpsPort, { ...this.variables, ...variables });
  }

  /** Runs `docker compose WORDS` and gives what it printed. @throws with what it complained about */
  async run(...words: string[]): Promise<string> {
    const { stdout } = await run('docker', ['compose', '--project-name', this.project, ...words], {
      cwd: ROOT,
      env: { ...process.env, ...this.variables },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** Gives the image of a service another content under the same name, as a new release of it has. */
  async renewImage(service: string): Promise<void> {
    const image = `${this.project}-${service}`;
    const building = run('docker', ['build', '--quiet', '--tag', image, '-'], { env: process.env });
    building.child.stdin?.end(`FROM ${image}\nLABEL release="${randomUUID()}"\n`);
    await building;
  }

  /** Copies a file out of a container, as the log of nginx tells the operator to. */
  async read(service: string, path: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-compose-'));
    await this.run('cp', `${service}:${path}`, join(folder, 'file'));
    const text = await readFile(join(folder, 'file'), 'utf8');
    await rm(folder, { recursive: true });
    return text;
  }
}
