import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { own } from './children.js';

/** The core beside the server's core. */
const CORE = '1';
/** Command prefix of a script that must yield to the measuring process. */
export const YIELDING = ['nice', '-n', '19'];

/** Starts a script beside the server. @param {string[]} script @param {string[]} prefix command before Node */
export function startCompanion(script, prefix = []) {
  const args = ['-c', CORE, ...prefix, process.execPath, ...script];
  const child = own(spawn('taskset', args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script[0]} ended before its next line`);
    return value;
  };
  return {
    line,
    ask: async () => {
      child.stdin.write('\n');
      return Number(await line());
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
