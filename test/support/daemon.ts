import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { listening } from './ports.js';

/** A program in the foreground that listens on a port of 127.0.0.1, and can be started again there. */
export class Daemon {
  readonly #killWithUs = (): void => void this.#child?.kill();
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #said = '';

  constructor(
    private readonly command: string,
    private readonly words: readonly string[],
    private readonly port: number,
  ) {}

  get pid(): number {
    return this.#child!.pid!;
  }

  /** What it has written to standard error, in all its lives. */
  get said(): string {
    return this.#said;
  }

  /** Resolves once it listens. @throws when it ends before, with what it said */
  async start(): Promise<void> {
    const child = spawn(this.command, this.words, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    process.once('exit', this.#killWithUs);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    const gone = new AbortController();
    this.#ended = once(child, 'close').then(
      () => gone.abort(),
      () => gone.abort(),
    );
    await listening(this.port, gone.signal).catch(async () => {
      await this.stop();
      throw new Error(`${this.command} ended: ${this.#said}`);
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
