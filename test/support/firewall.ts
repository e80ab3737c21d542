import { spawnSync } from 'node:child_process';

/** The kernel's own filter: packets to and from a port of the loopback vanish without a word. Only root may set it. */
export class Firewall {
  readonly #dropped = new Set<number>();

  constructor() {
    // A rule that outlived the test would puzzle the next one.
    process.once('exit', () => this.#dropped.forEach((port) => this.pass(port)));
  }

  /** Whether this process may set it. */
  static get works(): boolean {
    return iptables('--list-rules', 'INPUT') === 0;
  }

  drop(port: number): void {
    this.#dropped.add(port);
    for (const side of ['--dport', '--sport']) set('--insert', side, port);
  }

  pass(port: number): void {
    this.#dropped.delete(port);
    for (const side of ['--dport', '--sport']) set('--delete', side, port);
  }
}

function set(action: string, side: string, port: number): void {
  const words = [action, 'INPUT', '--in-interface', 'lo', '--protocol', 'tcp', side, String(port), '--jump', 'DROP'];
  if (iptables('--wait', ...words) !== 0) throw new Error(`iptables ${words.join(' ')} failed`);
}

function iptables(...words: string[]): number | null {
  return spawnSync('iptables', words, { stdio: 'ignore' }).status;
}
