import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { DeliveryCount } from '../support/delivery-count.js';

const FILE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

/** Everything behind the table of faults: the section of `test/chaos`, and those that are written by hand. */
const OTHER_SECTIONS = /(\n<!-- many nodes -->\n)?\n## .*/s;

export interface Row extends DeliveryCount {
  readonly fault: string;
  readonly method: string;
  /** Milliseconds from the end of the fault, or from the restart, until messages flowed between all sessions. */
  readonly recoveryMs: number;
}

/** Rows of a complete table; a partial run writes no report. */
const FAULTS = 9;

/** Writes the results to `docs/reliability.md` if WRITE_REPORT is set: `WRITE_REPORT=1 npx vitest run test/faults`. */
export async function writeReport(sessions: number, rows: readonly Row[]): Promise<void> {
  if (process.env['WRITE_REPORT'] === undefined || rows.length < FAULTS) return;
  const head = `# Reliability

Measured and written by \`test/faults\` (\`WRITE_REPORT=1 npx vitest run test/faults\`) with
${sessions.toLocaleString('en')} sessions in a ring. Each sends numbered messages to the next during the fault.

Delivery is at most once. "Lost" counts messages that were acknowledged and never arrived. These are plain sessions; for sessions that
resume, see [Lost connections](#lost-connections). A message is lost only when the process or the connection ends before delivery,
because \`sys.ack\` means that the message was written to the receiver's connection, not that the receiver has read it.

| fault | method | acknowledged | lost | duplicated | misordered | recovery time |
|---|---|---|---|---|---|---|
`;
  const lines = rows.map(
    ({ fault, method, acknowledged, lost, duplicated, misordered, recoveryMs }) =>
      `| ${[fault, method, acknowledged, lost, duplicated, misordered, `${recoveryMs} ms`].join(' | ')} |`,
  );
  const [others = ''] = OTHER_SECTIONS.exec(await readFile(FILE, 'utf8')) ?? [];
  await writeFile(FILE, await format(`${head}${lines.join('\n')}\n${others}`, { parser: 'markdown' }));
}
