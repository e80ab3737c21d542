import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Received } from './client.js';
import type { Running } from './conversation.js';

/** This Node first, then programs of the system's packages, as in scripts/components.js. */
export const PROGRAM_PATH = [dirname(process.execPath), '/usr/bin', process.env['PATH']].join(':');

interface Waiter {
  readonly fits: (frame: Received) => boolean;
  readonly resolve: (frame: Received) => void;
}

/** A program started by a shell command; it prints each received frame on a line. */
export class Program implements Running {
  readonly ended: Promise<boolean>;
  readonly #frames: Received[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #child: ChildProcess;
  #log = '';

  constructor(command: string, folder: string) {
    // A process group, so that the shell, npx and their children end together.
    const child = spawn('sh', ['-c', command], {
      cwd: folder,
      env: { ...process.env, PATH: PROGRAM_PATH },
      detached: true,
    });
    this.#child = child;
    const killWithUs = (): void => this.kill();
    process.once('exit', killWithUs);
    this.ended = once(child, 'close').then(([code]) => {
      process.off('exit', killWithUs);
      return code === 0;
    });
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
  }

  get log(): string {
    return this.#log;
  }

  /** The frames that the program has printed. */
  get frames(): readonly Received[] {
    return this.#frames;
  }

  printed(type: string, sender?: string): Promise<Received> {
    return this.printedWhere((frame) => frame.type === type && (sender === undefined || frame.sender === sender));
  }

  /** Resolves to the first printed frame that fits. */
  printedWhere(fits: (frame: Received) => boolean): Promise<Received> {
    const frame = this.#frames.find(fits);
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiters.push({ fits, resolve }));
  }

  /** Writes a line to standard input. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Ends standard input. */
  end(): void {
    this.#child.stdin!.end();
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-this.#child.pid!, 'SIGKILL');
  }

  #read(line: string): void {
    this.#log += `${line}\n`;
    const text = line.replace(/^(> )+/, ''); // an interactive program writes its prompt first
    if (!text.startsWith('{')) return;
    const frame = JSON.parse(text) as Received;
    this.#frames.push(frame);
    for (const waiter of this.#waiters.filter(({ fits }) => fits(frame))) {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve(frame);
    }
  }
}
