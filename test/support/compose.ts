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

/** Runs the project's compose file on the Docker engine of the environment, under a project name and ports of its own. */
export class Compose {
  private constructor(
    private readonly project: string,
    readonly httpsPort: number,
    private readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** @param project the name on the engine; everything with this name belongs to the test */
  static async create(project = 'switchboard-test'): Promise<Compose> {
    const [httpsPort, httpPort] = await freePorts();
    const ports = { HTTPS_PORT: String(httpsPort), HTTP_PORT: String(httpPort) };
    return new Compose(project, httpsPort, ports);
  }

  get httpPort(): number {
    return Number(this.variables['HTTP_PORT']);
  }

  /** Returns the same project with more environment variables. */
  with(variables: Readonly<Record<string, string>>): Compose {
    return new Compose(this.project, this.httpsPort, { ...this.variables, ...variables });
  }

  /** Runs `docker compose ARGS` and returns its output. @throws with its error output */
  async run(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', ['compose', '--project-name', this.project, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...this.variables },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** Runs `docker ARGS` on the same engine. */
  async docker(...args: string[]): Promise<string> {
    return (await run('docker', args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  }

  /** Returns the container ids of a service. */
  async containers(service: string): Promise<string[]> {
    return (await this.run('ps', '--quiet', service)).split('\n').filter((id) => id !== '');
  }

  /** Builds a different image of a service under the same name, as a new release does. */
  async renewImage(service: string): Promise<void> {
    const image = `${this.project}-${service}`;
    const building = run('docker', ['build', '--quiet', '--tag', image, '-'], { env: process.env });
    building.child.stdin?.end(`FROM ${image}\nLABEL release="${randomUUID()}"\n`);
    await building;
  }

  /** Copies a file out of a container, with the command from the log of nginx. */
  async read(service: string, path: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-compose-'));
    await this.run('cp', `${service}:${path}`, join(folder, 'file'));
    const text = await readFile(join(folder, 'file'), 'utf8');
    await rm(folder, { recursive: true });
    return text;
  }
}
