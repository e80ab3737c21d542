import { ValidateBy } from 'class-validator';
import type { Settings } from './settings.js';

/**
 * Checks a setting by a rule of its own, which may look at the others: the rule returns what is wrong, worded to follow
 * the name of the variable, or nothing.
 */
export function Check(problem: (value: never, settings: Settings) => string | undefined): PropertyDecorator {
  return ValidateBy({
    name: 'check',
    validator: {
      validate: (value: never, details) => problem(value, details!.object as Settings) === undefined,
      defaultMessage: (details) => problem(details!.value as never, details!.object as Settings) ?? 'is wrong',
    },
  });
}

/** The longest that a timer of Node's can wait, in milliseconds. */
export const MAX_INT32 = 2 ** 31 - 1;

/** Checks a whole number that may be 0; `unit` names what it counts. */
export function Count(unit: string, max = MAX_INT32): PropertyDecorator {
  return Check((value: unknown) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max
      ? undefined
      : `must be a whole number of ${unit} from 0 to ${max}`,
  );
}

/** Checks that a switch is spelt as switches are. */
export function OnOff(): PropertyDecorator {
  return Check((value: unknown) => (typeof value === 'boolean' ? undefined : 'must be on or off'));
}
