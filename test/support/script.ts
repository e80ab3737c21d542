import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** A script that runs until it is stopped, with the lines that it prints. */
export class Script {
  /** Lines of its output and its errors, in the order in which they arrive. */
  readonly lines: string[] = [];
  readonly #events = new EventEmitter();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Ends the programs that the script runs, too. */
  readonly #killWithUs = (): void => void process.kill(-this.#child.pid!);

  constructor([program, ...args]: Command, env: Readonly<Record<string, string>>) {
    this.#child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    process.once('exit', this.#killWithUs);
    for (const input of [this.#child.stdout!, this.#child.stderr!])
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line);
        this.#events.emit('line');
      });
    this.#ended = once(this.#child, 'close').then(() => this.#events.emit('line'));
  }

  /** Resolves when the script has printed a text. @throws when it ends without */
  async printed(text: string): Promise<void> {
    while (!this.lines.some((line) => line.includes(text))) {
      if (this.#child.exitCode !== null)
        throw new Error(`the script ended without "${text}": ${this.lines.join('\n')}`);
      await once(this.#events, 'line');
    }
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killWithUs);
    if (this.#child.exitCode === null) this.#killWithUs();
    await this.#ended;
  }
}
