/** How the text of a variable is parsed into a value. */
export type SettingKind = 'text' | 'list' | 'number' | 'switch';

/** One row of the table of settings. `docs/settings.md` is checked against these rows. */
export interface SettingSpec {
  readonly variable: string;
  readonly property: string;
  readonly kind: SettingKind;
  readonly meaning: string;
  /** Whether the value is kept out of the log and of error messages. */
  readonly secret: boolean;
  /** The former name of the variable, which is still read where the variable is not set. */
  readonly former: string | undefined;
}

const specs: SettingSpec[] = [];

/** Every setting, in the order of the groups and of their fields. */
export const SETTINGS: readonly SettingSpec[] = specs;

/** Binds a field of a settings group to its variable, `HEARTBEAT_MS` for `heartbeatMs`. */
export function Setting(
  kind: SettingKind,
  meaning: string,
  { secret = false, former }: { readonly secret?: boolean; readonly former?: string } = {},
) {
  return (_: object, property: string): void => {
    specs.push({ variable: variableOf(property), property, kind, meaning, secret, former });
  };
}

/** Returns the variable of a property: `HEARTBEAT_MS` for `heartbeatMs`. */
export function variableOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Lists the settings that are set, by variable, for the log. A secret is shown as `set`, an empty list not at all. */
export function redactedSettings(settings: object): Record<string, string | number> {
  const values = settings as Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  return Object.fromEntries(
    SETTINGS.flatMap(({ variable, property, secret }) => {
      const value = values[property];
      if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
      return [[variable, secret ? 'set' : shown(value)]];
    }),
  );
}

function shown(value: string | number | boolean | readonly string[]): string | number {
  if (typeof value === 'boolean') return onOff(value);
  return typeof value === 'object' ? value.join(',') : value;
}

/** Writes a switch as operators do. */
export function onOff(value: boolean): 'on' | 'off' {
  return value ? 'on' : 'off';
}
