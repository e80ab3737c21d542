import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Tally } from '../support/tally.js';

const FILE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

export interface Row extends Tally {
  readonly fault: string;
  readonly done: string;
  /** Milliseconds from the fault's end, or from the restart, until all sessions were there and messages flowed. */
  readonly wholeMs: number;
}

/** A part of them is no table. */
const FAULTS = 9;

/** Writes what was measured to `docs/reliability.md`, where it was asked for: `WRITE_REPORT=1 npx vitest run test/faults`. */
export async function writeReport(sessions: number, rows: readonly Row[]): Promise<void> {
  if (process.env['WRITE_REPORT'] === undefined || rows.length < FAULTS) return;
  const head = `# Reliability

What faults cost. Measured and written by \`test/faults\` (\`WRITE_REPORT=1 npx vitest run test/faults\`) with
${sessions.toLocaleString('en')} sessions in a ring, each sending numbered messages to the next while the fault happens.

Delivery is at most once. "Lost" counts messages that were acknowledged and never came: only when the process or the
connection dies under them can that be, because an acknowledgement says that a message was put on the receiver's
connection, not that the receiver has read it.

| fault | what was done | acknowledged | lost | duplicated | misordered | whole again after |
|---|---|---|---|---|---|---|
`;
  const lines = rows.map(
    ({ fault, done, acknowledged, lost, duplicated, misordered, wholeMs }) =>
      `| ${[fault, done, acknowledged, lost, duplicated, misordered, `${wholeMs} ms`].join(' | ')} |`,
  );
  await writeFile(FILE, await format(`${head}${lines.join('\n')}\n`, { parser: 'markdown' }));
}
