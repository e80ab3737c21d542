import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const FILE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
/** The part about many nodes, which this writes and nobody else; the rest of the file is that of `test/faults`. */
export const MANY_NODES = /\n<!-- many nodes -->\n.*<!-- many nodes end -->\n/s;

export interface Run {
  readonly seed: number;
  readonly seconds: number;
  readonly done: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, number>;
  readonly routed: number;
  readonly lost: number;
  readonly departures: number;
  readonly wholeMs: number;
}

/** Writes what a run found to `docs/reliability.md`, where it was asked for: `WRITE_REPORT=1 npm run chaos`. */
export async function writeChaos(run: Run): Promise<void> {
  if (process.env['WRITE_REPORT'] === undefined) return;
  const before = (await readFile(FILE, 'utf8')).replace(MANY_NODES, '');
  const part = `
<!-- many nodes -->

## Many nodes

\`npm run chaos\` runs three nodes, each with a way of its own to one real NATS server, and 600 sessions that talk to one
another across them, every message with an \`id\`. At random, but by a seed, it does to them what the table says, each for a
random time, and checks: every message got exactly one answer or its session closed; what was answered \`routed\` came, unless
the receiver's connection ended; nothing came twice, out of order, after its sender's departure or long after it was answered
\`unavailable\`; every departure was told once to everybody who was there, but of sessions that came and ended while
their node was cut off, of whom nobody elsewhere ever heard; and in the end \`sys.who\` is right on every node. The
run below found no breach (seed ${run.seed}, ${run.seconds} s). \`SEED=2 CHAOS_SECONDS=120 npm run chaos\` is another one; without them it is
seed 1 and ten minutes.

| what was done | times |
|---|---|
${[...run.done]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([name, times]) => `| ${name} | ${times} |`)
  .join('\n')}

| what came of it | |
|---|---|
${[...run.answers]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([answer, times]) => `| answered \`${answer}\` | ${times} |`)
  .join('\n')}
| answered \`routed\` and lost with the receiver's connection | ${run.lost} |
| departures told to those who were there at the end | ${run.departures} |
| \`sys.who\` right on all nodes after the last fault | ${run.wholeMs} ms |

<!-- many nodes end -->
`;
  await writeFile(FILE, await format(`${before}${part}`, { parser: 'markdown' }));
}
