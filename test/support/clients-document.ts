import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../../docs/clients.md', import.meta.url));

const PARTS = readFileSync(DOCUMENT, 'utf8').split(/^## /m);
const TABLE = PARTS.findIndex((text) => text.startsWith('Tested clients'));

/** The section of one client. */
export interface ClientSection {
  readonly name: string;
  /** The first code block that is not a command: a program, or text to paste or type. */
  readonly source: string | undefined;
  /** The file name of the program. */
  readonly file: string | undefined;
  /** The shell command that starts the program. */
  readonly command: string | undefined;
}

/** A row of the table: the client, its version, and a yes or no for each step. */
export interface ClientRow {
  readonly name: string;
  readonly version: string;
  readonly cells: readonly string[];
}

export const CLIENT_SECTIONS: readonly ClientSection[] = sections();
export const CLIENT_ROWS: readonly ClientRow[] = rows();

/** @throws if the document has no such section */
export function clientSection(name: string): ClientSection {
  return named(CLIENT_SECTIONS, name);
}

/** @throws if the table has no such row */
export function clientRow(name: string): ClientRow {
  return named(CLIENT_ROWS, name);
}

function named<Named extends { readonly name: string }>(list: readonly Named[], name: string): Named {
  const found = list.find((each) => each.name === name);
  if (found === undefined) throw new Error(`docs/clients.md has nothing on ${name}`);
  return found;
}

/** All sections after that of the table, in order. */
function sections(): ClientSection[] {
  return PARTS.slice(TABLE + 1).map((text) => {
    const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }));
    return {
      name: plain(text.slice(0, text.indexOf('\n'))),
      source: blocks.find(({ language }) => language !== 'sh')?.code,
      file: /Save as `([^`]+)`/.exec(text)?.[1],
      command: blocks.find(({ language }) => language === 'sh')?.code?.trim(),
    };
  });
}

function rows(): ClientRow[] {
  const [, , ...lines] = PARTS[TABLE]!.split('\n').filter((line) => line.startsWith('|'));
  return lines.map((line) => {
    const [name = '', version = '', ...cells] = line.split('|').slice(1, -1).map(plain);
    return { name, version, cells };
  });
}

function plain(text: string): string {
  return text.replaceAll('`', '').trim();
}
