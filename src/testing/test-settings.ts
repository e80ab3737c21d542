import type { Variables } from '../settings/environment.js';
import { onOff, SETTINGS } from '../settings/setting.js';
import type { Settings } from '../settings/settings.js';

/** Settings by the names of their fields: `messagesPerSecond` for `MESSAGES_PER_SECOND`. */
export type TestSettings = {
  readonly [Name in Exclude<keyof Settings, 'production' | 'endpointPrefix'>]?: Settings[Name] | undefined;
};

/** Limits that are off, because all clients of a test have one address. A test of a limit sets it. */
export const LIMITS_OFF = {
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  HANDSHAKES_PER_SECOND: '0',
  REQUESTS_PER_SECOND: '0',
  MESSAGES_PER_SECOND: '0',
  BYTES_PER_SECOND: '0',
  BROADCAST_RECEIVERS_PER_SECOND: '0',
  FAULTS_PER_MINUTE: '0',
  REFUSALS_PER_MINUTE: '0',
} as const;

/** Settings of a test that sets no other: a free port, no limits, and a secret with which a test signs tokens. */
export const TEST_DEFAULTS = {
  HOST: '127.0.0.1',
  PORT: '0',
  AUTH: 'optional',
  AUTH_SECRET: 'the secret of tokens that tests sign',
  ...LIMITS_OFF,
} as const;

/** Writes settings as variables. @throws {TypeError} for a name that is not a setting */
export function variablesOf(settings: TestSettings): Variables {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    const spec = SETTINGS.find(({ property }) => property === name);
    if (spec === undefined) throw new TypeError(`${name} is not a setting; docs/settings.md lists all of them`);
    if (value !== undefined) variables[spec.variable] = textOf(value);
  }
  return variables;
}

function textOf(value: NonNullable<TestSettings[keyof TestSettings]>): string {
  if (typeof value === 'boolean') return onOff(value);
  return typeof value === 'object' ? value.join(',') : String(value);
}
