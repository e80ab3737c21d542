import { validateSync, type ValidationError } from 'class-validator';
import { fileURLToPath } from 'node:url';
import { readEnvFile } from './env-file.js';
import { isLibrarySetting, optionProblems, type EnvironmentUse, type SwitchboardOptions } from './library-options.js';
import { MAX_LINES, misspeltVariables, nearestName } from './misspelt-variables.js';
import { onOff, SETTINGS, type SettingKind, type SettingSpec } from './setting.js';
import { SETTING_GROUPS, Settings } from './settings.js';
import { StartError } from './start-error.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** The exit code of a process that ends because of wrong settings (`EX_CONFIG` of sysexits.h). */
export const EXIT_CONFIG = 78;

/** Reports wrong settings, one line for each wrong variable. */
export class SettingsError extends StartError {}

/**
 * Reads, checks and freezes the settings. Variables of the environment come before those of `.env` in the working
 * directory, these before `config/$NODE_ENV.env`, and these before `config/default.env`.
 *
 * @param overrides variables that come before all others, for tests
 * @param environment variables of the process
 * @throws {SettingsError} with every wrong variable
 * @throws {StartError} when `.env` cannot be read
 */
export function readSettings(overrides: Variables = {}, environment: Variables = process.env): Settings {
  const chosen = chosenVariables(overrides, environment);
  const nodeEnv = chosen.map((source) => source['NODE_ENV']).find(Boolean);
  const files = [configFile(nodeEnv), configFile('default')];
  const values: Record<string, unknown> = {};
  for (const { variable, property, kind, former } of SETTINGS) {
    const text = textOf(variable, chosen) ?? (former && textOf(former, chosen)) ?? textOf(variable, files);
    values[property] = parse(kind, text);
  }
  return checked(
    values,
    ({ variable }) => variable,
    () => unknownSettings(overrides, environment),
  );
}

/**
 * Checks and freezes the settings of a library. Options come before variables of the environment, and these before
 * `config/default.env`. `HTTP_BASE` has no default. `NODE_ENV` has no prefix, and the default `production`.
 *
 * @throws {SettingsError} with every wrong option and variable
 */
export function settingsOfLibrary(options: SwitchboardOptions): Settings {
  const lines = optionProblems(options);
  if (lines.length > 0) throw new SettingsError(lines);
  const variables = variablesOf(options.environment);
  const defaults = configFile('default');
  const values: Record<string, unknown> = {};
  /** The name of each setting in lines about errors: the variable where its value is from the environment. */
  const names = new Map<SettingSpec, string>();
  for (const spec of SETTINGS) {
    const { property, kind } = spec;
    const [name, text] = isLibrarySetting(spec) ? variables(spec) : [];
    const option = isLibrarySetting(spec) ? (options as Readonly<Record<string, unknown>>)[property] : undefined;
    const fallback = property === 'httpBase' ? undefined : textOf(spec.variable, [defaults]);
    names.set(spec, option === undefined && text !== undefined ? name! : property);
    values[property] = option === undefined ? parse(kind, text ?? fallback) : ownCopy(option);
  }
  // The default is safe on the Internet.
  values['nodeEnv'] ??= 'production';
  const nameOf = (spec: SettingSpec): string => names.get(spec)!;
  const settings = checked(values, nameOf);
  // At the root, endpoints of the library would hide routes of the application.
  if (settings.httpBase === '/')
    throw new SettingsError([
      `${nameOf(specOf('httpBase'))} must be a path such as /switchboard, and not / (it is "/")`,
    ]);
  return settings;
}

/**
 * Returns one line for each variable with the prefix of a library that is no setting, or for each misspelt one where there
 * is no prefix; at most ten lines.
 */
export function unknownOfLibrary({ environment }: SwitchboardOptions): string[] {
  if (typeof environment !== 'object') return environment === true ? unknownNames([process.env]) : [];
  const { prefix } = environment;
  const variables = SETTINGS.filter(isLibrarySetting).map(({ variable }) => variable);
  return Object.keys(process.env)
    .filter((name) => name.startsWith(prefix) && !variables.includes(name.slice(prefix.length)))
    .slice(0, MAX_LINES)
    .map((name) => {
      const renamed = SETTINGS.find(({ former }) => former !== undefined && prefix + former === name);
      if (renamed !== undefined) return renamedLine(name, prefix + renamed.variable);
      const meant = nearestName(name.slice(prefix.length), variables);
      return `${name} is not a setting${meant === undefined ? '' : `: did you mean ${prefix}${meant}?`}`;
    });
}

/** Returns a function that finds the name and the text of a setting's variable; the text is `undefined` where none is set. */
function variablesOf(environment: EnvironmentUse = false): (spec: SettingSpec) => [name: string, text?: string] {
  const prefix = typeof environment === 'object' ? environment.prefix : '';
  return ({ variable, former }) => {
    const name = variable === 'NODE_ENV' ? variable : prefix + variable;
    if (environment === false) return [name];
    for (const each of former === undefined ? [name] : [name, prefix + former]) {
      const text = textOf(each, [process.env]);
      if (text !== undefined) return [each, text];
    }
    return [name];
  };
}

/** Copies a list, because the application may change its own later. */
function ownCopy(option: unknown): unknown {
  return Array.isArray(option) ? Object.freeze([...(option as unknown[])]) : option;
}

/** Returns the first value that is neither absent nor empty. */
function textOf(name: string, sources: readonly Variables[]): string | undefined {
  return sources.map((source) => source[name]).find((value) => value !== undefined && value !== '');
}

/**
 * @param nameOf returns the name of a setting in lines about errors
 * @param hints returns further lines for the operator of a wrong setting
 * @throws {SettingsError} with every wrong setting
 */
function checked(
  values: Readonly<Record<string, unknown>>,
  nameOf: (spec: SettingSpec) => string,
  hints: () => readonly string[] = () => [],
): Settings {
  const groups = SETTING_GROUPS.map((Group) => filled(new Group(), values));
  const errors = groups.flatMap((group) => validateSync(group, { stopAtFirstError: true }));
  if (errors.length > 0) throw new SettingsError([...errors.map((error) => lineOf(error, nameOf)), ...hints()]);
  const settings = new Settings(groups);
  const line = lateReturnLine(settings, nameOf);
  if (line !== undefined) throw new SettingsError([line, ...hints()]);
  return settings;
}

/** Returns the line of a drain that asks clients to return after their sessions have expired, which belongs to two groups. */
function lateReturnLine(
  { drainSpreadMs, resumeWindowMs, resumeStateDir }: Settings,
  nameOf: (spec: SettingSpec) => string,
): string | undefined {
  if (resumeStateDir === undefined || resumeWindowMs === 0 || drainSpreadMs <= resumeWindowMs) return undefined;
  const [spread, window, folder] = [specOf('drainSpreadMs'), specOf('resumeWindowMs'), specOf('resumeStateDir')];
  return `${nameOf(spread)} must be at most ${nameOf(window)} with ${nameOf(folder)}, ${resumeWindowMs} (it is ${drainSpreadMs})`;
}

/**
 * Returns one line for each variable of the operator that is the former name of a setting, or near to one; of the
 * second kind at most ten.
 *
 * @param overrides as in {@link readSettings}
 * @param environment as in {@link readSettings}
 */
export function unknownSettings(overrides: Variables = {}, environment: Variables = process.env): string[] {
  return unknownNames(chosenVariables(overrides, environment));
}

function unknownNames(sources: readonly Variables[]): string[] {
  const renamed = SETTINGS.flatMap(({ variable, former }) =>
    former === undefined || textOf(former, sources) === undefined ? [] : [renamedLine(former, variable)],
  );
  return [...renamed, ...misspeltVariables(sources.flatMap((source) => Object.keys(source)))];
}

function renamedLine(former: string, variable: string): string {
  return `${former} is the former name of ${variable}: rename it`;
}

/** Returns what the operator has chosen, before the files of this package. */
function chosenVariables(overrides: Variables, environment: Variables): Variables[] {
  // `.env` belongs to the environment of the process. Without it, tests are the same on every machine.
  const readsFile = environment === process.env && environment['NODE_ENV'] !== 'test';
  return [overrides, environment, readsFile ? readEnvFile('.env') : {}];
}

function filled(group: object, values: Readonly<Record<string, unknown>>): object {
  return Object.assign(group, Object.fromEntries(Object.keys(group).map((name) => [name, values[name]])));
}

function specOf(property: string): SettingSpec {
  return SETTINGS.find((each) => each.property === property)!;
}

function lineOf({ property, constraints, value }: ValidationError, nameOf: (spec: SettingSpec) => string): string {
  const spec = specOf(property);
  const shown = spec.secret ? '' : ` (it is ${JSON.stringify(shownValue(value))})`;
  // Sentences of class-validator begin with the property, and those of the groups name variables.
  const problem = (Object.values(constraints ?? {})[0] ?? 'is wrong').replace(`${property} `, '');
  const named = problem.replaceAll(/\b[A-Z][A-Z_]+\b/g, (word) => {
    const other = SETTINGS.find(({ variable }) => variable === word);
    return other === undefined ? word : nameOf(other);
  });
  return `${nameOf(spec)} ${named}${shown}`;
}

function parse(kind: SettingKind, text: string | undefined): unknown {
  if (kind === 'list') return Object.freeze(text?.split(/[\s,]+/).filter(Boolean) ?? []);
  if (text === undefined) return undefined;
  // No leading zeros, because nginx and the shell read some of these numbers, too.
  if (kind === 'number') return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
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
  return readEnvFile(fileURLToPath(new URL(`../../config/${name}.env`, import.meta.url)));
}
