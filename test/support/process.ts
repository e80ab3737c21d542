import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LIMITS_OFF } from './server.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Options of a start. */
export interface Start {
  /** A shell command to run first, such as `ulimit`. */
  readonly before?: string;
  readonly main?: string;
  /** A file for the log; then `lines` stays empty, and `PORT` must be set. */
  readonly logFile?: string;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The server as a process, with its log. */
export class ServerProcess {
  readonly lines: LogLine[] = [];
  readonly ended: Promise<Ended>;
  url = '';
  readonly #waiters: { message: string; resolve: (line: LogLine) => void }[] = [];

  private constructor(readonly child: ChildProcess) {
    const killWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    this.ended = once(child, 'exit').then(([code, signal]) => {
      process.off('exit', killWithUs);
      return { code, signal };
    });
    createInterface({ input: child.stdout! }).on('line', (text) => this.#read(JSON.parse(text) as LogLine));
  }

  /** Starts the server on a free port and waits until it listens. */
  static async start(
    variables: Record<string, string> = {},
    { before = '', main = MAIN, logFile }: Start = {},
  ): Promise<ServerProcess> {
    const env = { ...process.env, HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json', ...LIMITS_OFF, ...variables };
    const into = logFile === undefined ? '' : ` >>'${logFile}'`;
    const server = new ServerProcess(
      spawn('sh', ['-c', `${before} exec "$0" "$1"${into}`, process.execPath, main], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    if (logFile === undefined) server.url = String((await server.logged('listening'))['url']);
    else {
      // The server listens for a moment before, to check its port.
      while (!(await readFile(logFile, 'utf8').catch(() => '')).includes('"listening"')) await delay(20);
      server.url = `ws://127.0.0.1:${env.PORT}/wss`;
    }
    return server;
  }

  /** The address over plain HTTP, without a path. */
  get origin(): string {
    return new URL(this.url.replace(/^ws/, 'http')).origin;
  }

  /** Waits for a log line with this message. */
  async logged(message: string): Promise<LogLine> {
    const line = this.lines.find((each) => each.message === message);
    if (line !== undefined) return line;
    return Promise.race([
      new Promise<LogLine>((resolve) => this.#waiters.push({ message, resolve })),
      this.ended.then(({ code }) => Promise.reject(new Error(`the server ended with ${code} before "${message}"`))),
    ]);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  #read(line: LogLine): void {
    this.lines.push(line);
    for (const waiter of this.#waiters.filter(({ message }) => message === line.message)) {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve(line);
    }
  }
}
