/** Child processes of this run. */
const running = new Set();

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
// Exit on signals, because a signal alone emits no `exit` event.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/** Kills a child when this process exits. @template {import('node:child_process').ChildProcess} T @param {T} child @returns {T} */
export function own(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
