import { SETTINGS } from './setting.js';
import type { Settings } from './settings.js';

/** Every setting that is not a secret, by its variable, as the start line of the log shows them. */
export function redactedSettings(settings: Settings): Record<string, string | number | boolean> {
  const values = Object.entries(settings) as [string, string | number | boolean | undefined][];
  return Object.fromEntries(
    values.flatMap(([property, value]) => {
      const row = SETTINGS.find((each) => each.property === property);
      if (row === undefined || value === undefined) return [];
      return [[row.variable, row.secret ? 'set' : typeof value === 'boolean' ? (value ? 'on' : 'off') : value]];
    }),
  );
}
