import { validateSync } from 'class-validator';
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { SETTINGS, type SettingKind } from './setting.js';
import { Settings } from './settings.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** The exit code of a start that wrong settings ended (`EX_CONFIG` of sysexits.h). */
export const EXIT_CONFIG = 78;

/** Wrong settings: one line for each bad variable. */
export class SettingsError extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/**
 * Reads the settings once: the environment over the file of `NODE_ENV` over `config/default.env`; checks and freezes
 * them. @param overrides variables that come before all others, for tests
 * @throws {SettingsError} with every bad variable
 */
export function readSettings(overrides: Variables = {}): Settings {
  const variables = [overrides, process.env, modeFile(), configFile('default')];
  const settings = new Settings();
  for (const { variable, property, kind } of SETTINGS) {
    const text = variables.map((source) => source[variable]).find((value) => value !== undefined && value !== '');
    Object.assign(settings, { [property]: parse(kind, text) });
  }
  const lines = validateSync(settings, { stopAtFirstError: true }).map(({ property, constraints, value }) => {
    const row = SETTINGS.find((each) => each.property === property);
    const shown = row?.secret ? '' : ` (it is ${JSON.stringify(shownValue(value))})`;
    // class-validator's own sentences begin with the property, which is not what the operator wrote.
    const problem = (Object.values(constraints ?? {})[0] ?? 'is wrong').replace(`${property} `, '');
    return `${row?.variable ?? property} ${problem}${shown}`;
  });
  if (lines.length > 0) throw new SettingsError(lines);
  return Object.freeze(settings);
}

function parse(kind: SettingKind, text: string | undefined): unknown {
  if (kind === 'list') return Object.freeze(text?.split(/[\s,]+/).filter(Boolean) ?? []);
  if (text === undefined) return undefined;
  if (kind === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (kind === 'switch') return text === 'on' ? true : text === 'off' ? false : text;
  return text;
}

function shownValue(value: unknown): unknown {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : (value ?? null);
}

function modeFile(): Variables {
  const mode = process.env['NODE_ENV'];
  return mode !== undefined && /^[a-z]+$/.test(mode) ? configFile(mode) : {};
}

function configFile(name: string): Variables {
  const file = new URL(`../../config/${name}.env`, import.meta.url);
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}
