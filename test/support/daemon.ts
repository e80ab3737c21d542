import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { listening } from './ports.js';

/** A foreground program that listens on a port of 127.0.0.1 and can be restarted on the port. */
export class Daemon {
  readonly #killWithUs = (): void => void this.#child?.kill();
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #stderr = '';

  constructor(
    private readonly command: string,
    private readonly args: readonly string[],
    private readonly port: number,
  ) {}

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Standard error of all its runs. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once the program listens. @throws if it ends before, with its standard error */
  async start(): Promise<void> {
    const child = spawn(this.command, this.args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    process.once('exit', this.#killWithUs);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    const gone = new AbortController();
    this.#ended = once(child, 'close').then(
      () => gone.abort(),
      () => gone.abort(),
    );
    await listening(this.port, gone.signal).catch(async () => {
      await this.stop();
      throw new Error(`${this.command} ended: ${this.#stderr}`);
    });
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killWithUs);
    this.#child?.kill();
    await this.#ended;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}
