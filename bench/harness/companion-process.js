import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { own } from './children.js';

/** The core that the server has not. */
const CORE = '1';
/** Before a script that is to yield to whoever measures. */
export const YIELDING = ['nice', '-n', '19'];

/** Starts a script of ours beside the server. @param {string[]} script @param {string[]} before */
export function startBeside(script, before = []) {
  const words = ['-c', CORE, ...before, process.execPath, ...script];
  const child = own(spawn('taskset', words, { stdio: ['pipe', 'pipe', 'inherit'] }));
  const told = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  const line = async () => {
    const { value, done } = await told.next();
    if (done) throw new Error(`${script[0]} ended early`);
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
