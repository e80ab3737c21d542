import { SETTINGS, type SettingSpec } from './setting.js';
import type { Settings } from './settings.js';

/** Settings of the process, its log and its HTTP server, which belong to the application that has the library. */
const OF_THE_PROCESS = [
  'host',
  'port',
  'logFormat',
  'tlsCertFile',
  'tlsKeyFile',
  'tlsClientCaFile',
  'tlsReloadMs',
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

const OTHER_OPTIONS: ReadonlySet<string> = new Set(['environment', 'inheritAppConfig']);

/** Returns whether a library has a setting, and not the application around it. */
export function isLibrarySetting({ property }: SettingSpec): boolean {
  return !(OF_THE_PROCESS as readonly string[]).includes(property);
}

/** Returns one line for each option that does not exist, because JavaScript does not check names. */
export function unknownOptions(options: SwitchboardOptions): string[] {
  const names = new Set(SETTINGS.filter(isLibrarySetting).map(({ property }) => property));
  return Object.keys(options)
    .filter((name) => !names.has(name) && !OTHER_OPTIONS.has(name))
    .map((name) => `${name} is not an option of SwitchboardModule; docs/library.md lists them`);
}

const KINDS = { text: 'a string', number: 'a number', switch: 'true or false', list: 'a list of strings' } as const;

/** Returns what is wrong with the type of an option, because JavaScript does not check types; `undefined` if nothing. */
export function optionProblem({ property, kind, secret }: SettingSpec, value: unknown): string | undefined {
  if (isOfKind(kind, value)) return undefined;
  const shown = secret ? '' : ` (it is ${JSON.stringify(value)})`;
  return `${property} must be ${KINDS[kind]}${shown}`;
}

function isOfKind(kind: SettingSpec['kind'], value: unknown): boolean {
  if (kind === 'list') return Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (kind === 'text') return typeof value === 'string';
  return typeof value === (kind === 'switch' ? 'boolean' : 'number');
}
