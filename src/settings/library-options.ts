import { nearestName } from './misspelt-variables.js';
import { SETTINGS, variableOf, type SettingSpec } from './setting.js';
import type { Settings } from './settings.js';

/** Settings of the process, its log and its HTTP server, which belong to the application that has the library. */
const OF_THE_PROCESS = [
  'host',
  'port',
  'listen',
  'logFormat',
  'tlsCertFile',
  'tlsKeyFile',
  'tlsClientCaFile',
  'tlsReloadMs',
  'maxHeaderBytes',
  'requestsPerSecond',
  'responseTimeoutMs',
] as const;

type SettingName = Exclude<keyof Settings, 'production' | 'endpointPrefix' | (typeof OF_THE_PROCESS)[number]>;

/** Which variables of the environment are read: none, the documented ones, or those with a prefix before. */
export type EnvironmentUse = boolean | { readonly prefix: string };

type SettingOptions = { readonly [Name in SettingName]?: Settings[Name] | undefined };

/** Options of `SwitchboardModule`: settings by the names of their variables in camel case, such as `heartbeatMs`. */
export interface SwitchboardOptions extends SettingOptions {
  /**
   * Which variables of the environment are read where an option is absent: none by default, the documented ones with
   * `true`, or those with a prefix, such as `CHAT_HEARTBEAT_MS` with `{ prefix: 'CHAT_' }`.
   */
  readonly environment?: EnvironmentUse | undefined;
  /**
   * Whether global guards and interceptors of the application run for messages, too. They do not by default, because most
   * are written for requests.
   */
  readonly inheritAppConfig?: boolean | undefined;
}

/** Checks of the options that are no settings, and what each must be. */
const OTHER_OPTIONS: Readonly<Record<string, readonly [isRight: (value: unknown) => boolean, kinds: string]>> = {
  environment: [isEnvironmentUse, "true, false or { prefix: 'CHAT_' }"],
  inheritAppConfig: [(value) => typeof value === 'boolean', 'true or false'],
};

/** Returns whether a library has a setting, and not the application around it. */
export function isLibrarySetting({ property }: SettingSpec): boolean {
  return !(OF_THE_PROCESS as readonly string[]).includes(property);
}

/** Returns one line for each option that does not exist or has a wrong type, because JavaScript checks neither. */
export function optionProblems(options: unknown): string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return [`the options of SwitchboardModule must be an object, such as {} (they are ${shownOption(options)})`];
  return Object.entries(options).flatMap(([name, value]: [string, unknown]) => {
    const spec = SETTINGS.find(({ property }) => property === name);
    const other = Object.hasOwn(OTHER_OPTIONS, name) ? OTHER_OPTIONS[name] : undefined;
    if (spec === undefined && other === undefined) return [unknownOption(name)];
    if (spec !== undefined && !isLibrarySetting(spec))
      return [`${name} is not an option of SwitchboardModule: it belongs to your application`];
    if (value === undefined) return [];
    if (other === undefined) return settingProblem(spec!, value);
    return other[0](value) ? [] : [`${name} must be ${other[1]} (it is ${shownOption(value)})`];
  });
}

function unknownOption(name: string): string {
  const properties = SETTINGS.filter(isLibrarySetting).map(({ property }) => property);
  const meant =
    SETTINGS.filter(isLibrarySetting).find(
      ({ variable, former }) => variable === name || (former !== undefined && former === variableOf(name)),
    )?.property ?? nearestName(name, [...properties, ...Object.keys(OTHER_OPTIONS)]);
  const remedy = meant === undefined ? '; docs/library.md lists them' : `: did you mean ${meant}?`;
  return `${name} is not an option of SwitchboardModule${remedy}`;
}

function isEnvironmentUse(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean';
  const { prefix } = value as { readonly prefix?: unknown };
  return typeof prefix === 'string' && prefix !== '';
}

const KINDS = { text: 'a string', number: 'a number', switch: 'true or false', list: 'a list of strings' } as const;

function settingProblem({ property, kind, secret }: SettingSpec, value: unknown): string[] {
  if (isOfKind(kind, value)) return [];
  return [`${property} must be ${KINDS[kind]}${secret ? '' : ` (it is ${shownOption(value)})`}`];
}

function shownOption(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}

function isOfKind(kind: SettingSpec['kind'], value: unknown): boolean {
  if (kind === 'list') return Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (kind === 'text') return typeof value === 'string';
  return typeof value === (kind === 'switch' ? 'boolean' : 'number');
}
