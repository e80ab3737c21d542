import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { LedgerCounts } from './ledger.js';

const FILE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
/** The section about several nodes, written by `test/chaos`; `test/faults` writes the rest of the file. */
const MANY_NODES = /\n<!-- many nodes -->\n.*<!-- many nodes end -->\n/s;

export interface ChaosRun extends LedgerCounts {
  readonly seed: number;
  readonly seconds: number;
  readonly faultCounts: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, number>;
  readonly recoveryMs: number;
  /** Returns that nodes have piped to other nodes since their last start. */
  readonly piped: number;
}

/** Writes the results of a run to `docs/reliability.md` if WRITE_REPORT is set: `WRITE_REPORT=1 npm run chaos`. */
export async function writeChaosReport(run: ChaosRun): Promise<void> {
  if (process.env['WRITE_REPORT'] === undefined) return;
  const before = (await readFile(FILE, 'utf8')).replace(MANY_NODES, '');
  const section = `
<!-- many nodes -->

## Several nodes

\`npm run chaos\` runs three nodes, each connected to one NATS server through a proxy of its own. 600 sessions send
messages to one another, to rooms and to users across the nodes, each message with an \`id\`. Each session is in two of 60 rooms,
goes from one room to another at random, and watches a user. Half of the sessions are resumable. Their connections are cut at random,
and their clients return by way of any node. The test injects the faults below in random order, each for a random time, and checks:

- Every message gets exactly one answer, unless the session of the sender ends.
- Every message answered \`routed\` or \`held\` arrives, unless the session of the receiver ends.
- No message arrives twice, out of order, after its sender's departure, or long after the answer \`unavailable\`.
- Every connected session receives each departure notice exactly once. Sessions that open and end while their node is
  isolated are excepted, because no other node knows them.
- \`sys.who\` lists the right sessions on every node after the last fault.
- Every room message answered \`accepted\` arrives at each member that its sender saw, unless that member left or its connection
  ended. A message to a user reaches as many sessions as its answer says.
- The list of members of a room and its notices never disagree: each join and leave arrives once, and a room message only between
  those of its sender and of its receiver.
- After the last fault every session has the right members of its rooms, and the right presence of the user that it watches.

The run below found no violation (seed ${run.seed}, ${run.seconds} s). \`SEED=2 CHAOS_SECONDS=120 npm run chaos\` runs
another one; the defaults are seed 1 and 600 s.

| fault | times |
|---|---|
${[...run.faultCounts]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([name, times]) => `| ${name} | ${times} |`)
  .join('\n')}

| result | |
|---|---|
${[...run.answers]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([answer, times]) => `| messages answered \`${answer}\` | ${times} |`)
  .join('\n')}
| returns by way of another node, since the last start of each node | ${run.piped} |
| messages answered \`routed\` and lost with the receiver's connection | ${run.lost} |
| room messages answered \`accepted\` that had other members | ${run.roomMessages} |
| joins and leaves received | ${run.roomNotices} |
| changes of presence received | ${run.presences} |
| departure notices received by the sessions connected at the end | ${run.departures} |
| time until \`sys.who\` was right on all nodes after the last fault | ${run.recoveryMs} ms |

<!-- many nodes end -->
`;
  await writeFile(FILE, await format(`${before}${section}`, { parser: 'markdown' }));
}
