import { validateSync, type ValidationError } from 'class-validator';
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { onOff, SETTINGS, type SettingKind } from './setting.js';
import { SETTING_GROUPS, Settings } from './settings.js';
import { StartError } from './start-error.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** The exit code of a process that ends because of wrong settings (`EX_CONFIG` of sysexits.h). */
export const EXIT_CONFIG = 78;

/** Reports wrong settings, one line for each wrong variable. */
export class SettingsError extends StartError {}

/**
 * Reads, checks and freezes the settings. Variables of the environment come before those of `config/$NODE_ENV.env`, and
 * these before `config/default.env`.
 *
 * @param overrides variables that come before all others, for tests
 * @param environment variables of the process
 * @throws {SettingsError} with every wrong variable
 */
export function readSettings(overrides: Variables = {}, environment: Variables = process.env): Settings {
  const sources = [overrides, environment, configFile(environment['NODE_ENV']), configFile('default')];
  const values: Record<string, unknown> = {};
  for (const { variable, property, kind } of SETTINGS) {
    const text = sources.map((source) => source[variable]).find((value) => value !== undefined && value !== '');
    values[property] = parse(kind, text);
  }
  const groups = SETTING_GROUPS.map((Group) => filled(new Group(), values));
  const lines = groups.flatMap((group) => validateSync(group, { stopAtFirstError: true })).map(lineOf);
  if (lines.length > 0) throw new SettingsError(lines);
  return new Settings(groups);
}

function filled(group: object, values: Readonly<Record<string, unknown>>): object {
  return Object.assign(group, Object.fromEntries(Object.keys(group).map((name) => [name, values[name]])));
}

function lineOf({ property, constraints, value }: ValidationError): string {
  const spec = SETTINGS.find((each) => each.property === property);
  const shown = spec?.secret ? '' : ` (it is ${JSON.stringify(shownValue(value))})`;
  // Sentences of class-validator begin with the property, but the operator knows the variable.
  const problem = (Object.values(constraints ?? {})[0] ?? 'is wrong').replace(`${property} `, '');
  return `${spec?.variable ?? property} ${problem}${shown}`;
}

function parse(kind: SettingKind, text: string | undefined): unknown {
  if (kind === 'list') return Object.freeze(text?.split(/[\s,]+/).filter(Boolean) ?? []);
  if (text === undefined) return undefined;
  if (kind === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (kind === 'switch') return text === 'on' ? true : text === 'off' ? false : text;
  return text;
}

function shownValue(value: unknown): unknown {
  return typeof value === 'boolean' ? onOff(value) : (value ?? null);
}

/**
 * Reads the variables of `config/NAME.env`. Returns none where the file does not exist or `name` is not a plain word.
 */
function configFile(name: string | undefined): Variables {
  if (name === undefined || !/^[a-z]+$/.test(name)) return {};
  const file = new URL(`../../config/${name}.env`, import.meta.url);
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}
