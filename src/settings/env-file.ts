import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { StartError } from './start-error.js';

const LINE = /^\s*(#.*|(export\s+)?[\w.-]+\s*=.*)?$/;
/** A line with a value in quotes, which may go over several lines. */
const QUOTED = /^([ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*=[ \t]*)(["'`])([^]*?)\2/gm;

/**
 * Reads the variables of a file of lines `NAME=value`. Returns none where the file does not exist.
 *
 * @throws {StartError} when the file cannot be read, or has a line of another form, which Node would skip in silence
 */
export function readEnvFile(path: string): Readonly<Record<string, string | undefined>> {
  const text = textOf(path);
  // The line breaks of a value stay, so that the numbers of the lines are right.
  const withoutQuoted = text.replace(QUOTED, (_, name, __, value: string) => name + value.replaceAll(/[^\n]/g, ''));
  const wrong = withoutQuoted.split(/\r?\n/).flatMap((line, index) => (LINE.test(line) ? [] : [index + 1]));
  // The text of a line stays out of the error, because it may be a secret.
  if (wrong.length > 0)
    throw new StartError(wrong.map((line) => `${path}: line ${line} must be NAME=value or # comment`));
  return parseEnv(text);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new StartError([`${path} cannot be read: ${(error as Error).message}`]);
  }
}
