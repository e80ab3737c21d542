/** Child processes of this run, with the signal that ends each. */
const running = new Map();

process.on('exit', () => running.forEach((signal, child) => child.kill(signal)));
// Exit on signals, because a signal alone emits no `exit` event.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/**
 * Ends a child when this process exits.
 *
 * @template {import('node:child_process').ChildProcess} T
 * @param {T} child
 * @param {NodeJS.Signals} signal
 * @returns {T}
 */
export function own(child, signal = 'SIGKILL') {
  running.set(child, signal);
  child.once('exit', () => running.delete(child));
  return child;
}
