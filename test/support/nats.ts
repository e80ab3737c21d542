import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { needs } from './needs.js';
import { freePorts, listening } from './ports.js';

needs('nats-server');

/** A real NATS server on a port of 127.0.0.1. */
export class NatsServer {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly flags: readonly string[],
  ) {}

  /** @param flags further command-line flags */
  static async start(...flags: string[]): Promise<NatsServer> {
    const [port] = await freePorts();
    const server = new NatsServer(port, flags);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(this.port), ...this.flags], {
      stdio: 'ignore',
    });
    this.#child = child;
    const killWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    child.once('exit', () => process.off('exit', killWithUs));
    const ended = new AbortController();
    child.once('exit', () => ended.abort());
    child.once('error', () => ended.abort());
    await listening(this.port, ended.signal);
  }

  /** Kills the server; clients get no notice. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Reads the configuration file again, as `nats-server --signal reload` does; applies a moment later. */
  reload(): void {
    this.#child?.kill('SIGHUP');
  }

  /** Starts to close connections one by one, as `nats-server --signal ldm` does, and ends. */
  shutDownSlowly(): void {
    this.#child?.kill('SIGUSR2');
  }

  /** Stops the process (SIGSTOP), as a network that drops all packets; resolves once no thread runs. */
  async pause(): Promise<void> {
    const pid = this.#child!.pid!;
    this.#child!.kill('SIGSTOP');
    while (!isPaused(pid)) await setImmediate();
  }

  /** Ends {@link pause}. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }
}

/** Returns whether every thread of a process is stopped; without `/proc` the signal alone must do. */
function isPaused(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every((task) =>
    / [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, 'latin1').slice(0, 64)),
  );
}
