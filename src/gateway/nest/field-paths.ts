import { BEFORE_FIELD, fieldMessage } from '../dispatch/validation-text.js';

/** The fields above the broken one, as the ValidationPipe of Nest writes them: `items.0.`. */
const PARENTS = /^((?:[^\s.:]+\.)*)(.*)$/s;
/** The number of an item, as the ParseArrayPipe of Nest writes it. */
const ITEM = /^\[(\d+)\] (?:item )?/;

/**
 * Puts the path of a body before the texts in an exception of a validating pipe, which begin with the name of a field.
 * Changes the response of the exception, so that filters get the same texts.
 *
 * @param isField says whether the class of the body has a field of this name
 */
export function addPath(error: unknown, path: string, isField: (name: string) => boolean): void {
  const response = responseOf(error);
  if (response === undefined) return;
  const { message } = response;
  if (typeof message === 'string') {
    if (ITEM.test(message)) response.message = message.replace(ITEM, `${path}.$1 `);
  } else if (Array.isArray(message)) response.message = message.map((each: unknown) => pathed(each, path, isField));
  else if (typeof message === 'object' && message !== null) response.message = ungrouped(message, path);
}

/** Puts the path of a body before the text of a pipe that parses, such as ParseIntPipe: `data.n: Validation failed (…)`. */
export function addPathOfParsing(error: unknown, path: string): void {
  const response = responseOf(error);
  if (typeof response?.message === 'string' && response.message.startsWith('Validation failed'))
    response.message = `${path}: ${response.message}`;
}

/** Returns whether an exception of the ParseArrayPipe says which item is bad. */
export function namesItem(error: unknown): boolean {
  const [message] = [responseOf(error)?.message].flat();
  return typeof message === 'string' && ITEM.test(message);
}

/** Returns the response of an exception of Nest by its shape, because an application may have two copies of Nest. */
function responseOf(error: unknown): { message?: unknown } | undefined {
  if (typeof error !== 'object' || error === null || !('getResponse' in error)) return undefined;
  const response = typeof error.getResponse === 'function' ? (error.getResponse() as unknown) : undefined;
  return typeof response === 'object' && response !== null ? response : undefined;
}

function pathed(message: unknown, path: string, isField: (name: string) => boolean): unknown {
  if (typeof message !== 'string') return issueText(message, path);
  const item = ITEM.exec(message);
  if (item !== null) return pathed(message.slice(item[0].length), `${path}.${item[1]}`, isField);
  const [, parents = '', text = ''] = PARENTS.exec(message)!;
  const [, each = '', rule = ''] = BEFORE_FIELD.exec(text)!;
  const isForeign = text.startsWith('property ') && text.endsWith(' should not exist');
  const [first = ''] = `${parents}${rule}`.split(/[.\s:]/, 1);
  return isForeign || isField(first) ? `${each}${path}.${parents}${rule}` : `${path}: ${message}`;
}

/** Writes an issue of a schema, `{ path: ['sides'], message: 'Too small' }`, as text. Returns other values unchanged. */
function issueText(issue: unknown, path: string): unknown {
  if (typeof issue !== 'object' || issue === null || !('message' in issue)) return issue;
  const { message, path: segments } = issue as { message: unknown; path?: unknown };
  return typeof message === 'string' ? `${[path, ...segmentsOf(segments)].join('.')}: ${message}` : issue;
}

/** Returns the names in the path of an issue (Standard Schema: names, or objects with a `key`). */
export function segmentsOf(path: unknown): string[] {
  if (!Array.isArray(path)) return [];
  return path.map((each: unknown) =>
    String(typeof each === 'object' && each !== null && 'key' in each ? each.key : each),
  );
}

/** Lists the messages of the format "grouped", in which the names are whole paths and the texts begin with the last. */
function ungrouped(messages: object, path: string): string[] {
  return Object.entries(messages).flatMap(([name, texts]) => {
    const parts = name.split('.');
    const property = parts.pop()!;
    return [texts].flat().map((text) => fieldMessage(String(text), [path, ...parts].join('.'), property));
  });
}
