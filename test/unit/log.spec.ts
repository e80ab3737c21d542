import { describe, expect, it } from 'vitest';
import { Log, type LogOptions } from '../../src/telemetry/log.js';

/** Returns the lines that `work` writes to standard output. */
function written(work: () => void): string[] {
  const texts: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: string | Uint8Array): boolean => texts.push(String(text)) > 0;
  try {
    work();
  } finally {
    process.stdout.write = write;
  }
  return texts.join('').split('\n').slice(0, -1);
}

describe('the log', () => {
  const json: LogOptions = { logLevel: 'debug', logFormat: 'json' };
  const text: LogOptions = { logLevel: 'debug', logFormat: 'text' };
  const lineOf = (options: LogOptions, work: (log: Log) => void): string => {
    const lines = written(() => work(new Log(options)));
    expect(lines).toHaveLength(1);
    return lines[0]!;
  };
  const objectOf = (work: (log: Log) => void) => JSON.parse(lineOf(json, work)) as Record<string, unknown>;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;

  it('writes one JSON object a line as json', () => {
    expect(objectOf((log) => log.info('listening', { url: 'ws://[::1]:3000/wss', pid: 7 }))).toEqual({
      time: expect.stringMatching(time) as string,
      level: 'info',
      message: 'listening',
      url: 'ws://[::1]:3000/wss',
      pid: 7,
    });
  });

  it('writes the message and then its fields as text', () => {
    const line = lineOf(text, (log) => log.info('listening', { url: 'ws://x', pid: 7, gone: undefined, ok: true }));
    expect(line).toMatch(time);
    expect(line.slice(24)).toBe(' info  listening  url=ws://x pid=7 ok=true');
    expect(lineOf(text, (log) => log.info('bare')).slice(24)).toBe(' info  bare');
  });

  it('quotes a field that holds white space, quotes or line breaks', () => {
    const line = lineOf(text, (log) => log.info('x', { a: 'b c', d: 'e\nf', g: 'h="i"' }));
    expect(line).toContain(String.raw`a="b c" d="e\nf" g="h=\"i\""`);
  });

  it.each([
    ['an escape sequence', '\u001b[31mred', String.raw`"\u001b[31mred"`],
    ['a carriage return', 'ann\rbob', String.raw`"ann\rbob"`],
    ['delete', 'a\u007fb', String.raw`"a\u007fb"`],
    ['a control character of eight bits', 'a\u009b31mb', String.raw`"a\u009b31mb"`],
    ['a change of the direction', 'a\u202eb', String.raw`"a\u202eb"`],
    ['a character without width', 'a\u200bb', String.raw`"a\u200bb"`],
    ['a line separator', 'a\u2028b', String.raw`"a\u2028b"`],
    ['half a character', 'a\ud800b', String.raw`"a\ud800b"`],
    ['a character that hides', 'a\u{e0041}b', String.raw`"a\udb40\udc41b"`],
  ])('escapes %s in a field and in a message, in both forms', (_, value, escaped) => {
    expect(lineOf(text, (log) => log.info('x', { user: value }))).toMatch(/ {2}user=.*$/);
    expect(lineOf(text, (log) => log.info('x', { user: value })).split('user=')[1]).toBe(escaped);
    expect(lineOf(text, (log) => log.warn(value)).slice(31)).toBe(escaped.slice(1, -1));
    const line = lineOf(json, (log) => log.info(value, { user: value }));
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(line)).toMatchObject({ message: value, user: value });
  });

  it('keeps letters of all languages', () => {
    const user = 'Zoë-Żółć-李小龍-😀';
    expect(lineOf(text, (log) => log.info('x', { user }))).toContain(`user=${user}`);
    expect(lineOf(json, (log) => log.info('x', { user }))).toContain(user);
  });

  it('cuts a message and a field that are longer than a stack', () => {
    const long = 'x'.repeat(100_000);
    expect(lineOf(text, (log) => log.info(long, { user: long })).length).toBeLessThan(20_000);
    expect(objectOf((log) => log.info(long))['message']).toHaveLength(8193);
  });

  it('indents the further lines of a message, so that none of them begins like a line of the log', () => {
    const lines = written(() => new Log(text).error(new Error('no user "a\n2026-01-01T00:00:00.000Z info  forged"')));
    expect(lines.length).toBeGreaterThan(2);
    expect(lines[0]).toMatch(time);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {4}\S| {8}at /);
  });

  it.each([
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ] as const)('at %s writes %i of the four levels', (logLevel, count) => {
    const lines = written(() => {
      const log = new Log({ logLevel, logFormat: 'text' });
      log.error('1');
      log.warn('2');
      log.info('3');
      log.debug('4');
    });
    expect(lines).toHaveLength(count);
  });

  it.each([
    ['info', 20],
    ['debug', 1000],
  ] as const)('sums up lines at %s beyond %i of one kind', (level, most) => {
    const lines = written(() => {
      const log = new Log({ logLevel: 'debug', logFormat: 'text' });
      for (let count = 0; count < most + 1204; count++) log[level]('again', { count });
      log.end();
    });
    expect(lines).toHaveLength(most + 1);
    expect(lines.at(-1)).toContain('and 1,204 more in 10 s  of=again');
  });

  it('writes lines of Nest at debug, with their context as a field', () => {
    expect(objectOf((log) => log.log('mapped', 'RouterExplorer'))).toMatchObject({
      level: 'debug',
      message: 'mapped',
      from: 'RouterExplorer',
    });
    expect(objectOf((log) => log.verbose('x'))).toMatchObject({ level: 'debug' });
  });

  it('writes the stack of an error', () => {
    const { level, message } = objectOf((log) => log.error(new Error('broken')));
    expect(level).toBe('error');
    expect(message).toMatch(/^Error: broken\n\s+at /);
    expect(objectOf((log) => log.error('oh', 'the stack', 'Here'))).toMatchObject({ stack: 'the stack', from: 'Here' });
    expect(objectOf((log) => log.fatal('oh'))).toMatchObject({ level: 'error' });
  });

  it('writes fields that are given as an object', () => {
    expect(objectOf((log) => log.error('oh', { incident: 'i', session: 's' }))).toMatchObject({
      message: 'oh',
      incident: 'i',
      session: 's',
    });
  });
});
