import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Kind } from './lasting-client.js';
import type { RingCount } from './ring.js';

const FILE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
const [BEGIN, END] = ['<!-- lost connections -->', '<!-- lost connections end -->'];
/** Rows of a complete table; a partial run writes no report. */
const ROWS = 8;

export interface LostConnectionsRow extends RingCount {
  readonly fault: string;
  readonly kind: Kind;
}

const rows: LostConnectionsRow[] = [];

/** Adds a row of the table, and returns it. */
function add(row: LostConnectionsRow): LostConnectionsRow {
  rows.push(row);
  return row;
}

/**
 * Writes the table of `docs/reliability.md` if WRITE_REPORT is set, once it is complete:
 * `WRITE_REPORT=1 npx vitest run test/faults/lost-connections.spec.ts`.
 */
async function write(sessions: number): Promise<void> {
  if (process.env['WRITE_REPORT'] === undefined || rows.length < ROWS) return;
  const sorted = rows.toSorted((a, b) => faults().indexOf(a.fault) - faults().indexOf(b.fault));
  const lines = sorted.map(
    ({ fault, kind, sent, unanswered, lost, duplicated, misordered, newSessions }) =>
      `| ${[fault, kind, sent, unanswered, lost, duplicated, misordered, newSessions].join(' | ')} |`,
  );
  const table = `${BEGIN}

| fault | ${sessions} sessions | sent | unanswered | lost | duplicated | misordered | new sessions |
|---|---|---|---|---|---|---|---|
${lines.join('\n')}

${END}`;
  const document = await readFile(FILE, 'utf8');
  const [before, rest] = document.split(BEGIN) as [string, string];
  await writeFile(FILE, await format(before + table + rest.split(END)[1]!, { parser: 'markdown', printWidth: 130 }));
}

/** Lists the faults in the order of their first rows. */
function faults(): string[] {
  return [...new Set(rows.map(({ fault }) => fault))];
}

export const writeLostConnections = Object.assign(write, { add });
