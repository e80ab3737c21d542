import { spawnSync } from 'node:child_process';

/** Drops packets to and from a port of the loopback with iptables. Needs root. */
export class Firewall {
  readonly #dropped = new Set<number>();

  constructor() {
    // Remove all rules at exit, because they would affect later tests.
    process.once('exit', () => this.#dropped.forEach((port) => this.pass(port)));
  }

  /** True if this process may use iptables. */
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
  const rule = [action, 'INPUT', '--in-interface', 'lo', '--protocol', 'tcp', side, String(port), '--jump', 'DROP'];
  if (iptables('--wait', ...rule) !== 0) throw new Error(`iptables ${rule.join(' ')} failed`);
}

function iptables(...args: string[]): number | null {
  return spawnSync('iptables', args, { stdio: 'ignore' }).status;
}
