/** The processes this run started; none outlives it. */
const running = new Set();

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
// A signal alone would end this process without the event above.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/** Ends a child with this process. @template {import('node:child_process').ChildProcess} T @param {T} child @returns {T} */
export function own(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
