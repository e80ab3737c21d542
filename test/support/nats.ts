import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePorts, listening } from './ports.js';

/** A real NATS server on a port of 127.0.0.1, which can be stopped and started again. */
export class NatsServer {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly flags: readonly string[],
  ) {}

  /** @param flags more for its command line */
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

  /** Ends it without a word to anybody. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Makes it stand still, as a network does that swallows everything, or go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }
}
