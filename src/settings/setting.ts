/** How a variable is written, and so how its text becomes a value. */
export type SettingKind = 'text' | 'list' | 'number' | 'switch';

/** One row of the settings table: `docs/settings.md` is checked against it. */
export interface SettingSpec {
  readonly variable: string;
  readonly property: string;
  readonly kind: SettingKind;
  readonly meaning: string;
  /** Never logged. */
  readonly secret: boolean;
}

const rows: SettingSpec[] = [];

/** Every setting there is, in the order of the class. */
export const SETTINGS: readonly SettingSpec[] = rows;

/** Binds a property of the settings class to its variable, `HEARTBEAT_MS` for `heartbeatMs`. */
export function Setting(kind: SettingKind, meaning: string, { secret = false } = {}) {
  return (_: object, property: string): void => {
    const variable = property.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    rows.push({ variable, property, kind, meaning, secret });
  };
}
