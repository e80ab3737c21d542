import { ValidateBy } from 'class-validator';

/** The longest delay of a Node.js timer, in milliseconds; `setTimeout` treats a longer one as 1 ms. */
export const MAX_INT32 = 2 ** 31 - 1;

/**
 * Checks a setting by a rule, which may read the other settings of its group.
 *
 * @param rule returns what is wrong, worded to follow the variable's name, or `undefined`
 */
export function Check(rule: (value: never, group: never) => string | undefined): PropertyDecorator {
  return ValidateBy({
    name: 'check',
    validator: {
      validate: (value: never, details) => rule(value, details!.object as never) === undefined,
      defaultMessage: (details) => rule(details!.value as never, details!.object as never) ?? 'is wrong',
    },
  });
}

interface Range {
  /** Plural noun of what is counted; absent for a plain number. */
  readonly unit?: string;
  /** 0 by default. */
  readonly min?: number;
  /** {@link MAX_INT32} by default. */
  readonly max?: number;
  /** Allows 0 below `min`, for settings that 0 switches off. */
  readonly orZero?: true;
}

/** Checks that a setting is a whole number within a range, both ends included. */
export function WholeNumber({ unit, min = 0, max = MAX_INT32, orZero }: Range = {}): PropertyDecorator {
  const problem = `must be a whole number ${unit === undefined ? '' : `of ${unit} `}from ${min} to ${max}`;
  return Check((value: unknown) => {
    const number = Number.isInteger(value) ? Number(value) : Number.NaN;
    if ((number >= min && number <= max) || (orZero && number === 0)) return undefined;
    return orZero ? `${problem}, or 0` : problem;
  });
}

/** Checks that a setting is one of a few words. */
export function OneOf(...words: readonly string[]): PropertyDecorator {
  const problem = `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return Check((value: unknown) => ((words as readonly unknown[]).includes(value) ? undefined : problem));
}

/** Checks that a switch was written as `on` or `off`. */
export function OnOff(): PropertyDecorator {
  return Check((value: unknown) => (typeof value === 'boolean' ? undefined : 'must be on or off'));
}

/** Returns what is wrong where a setting is set without the one that belongs to it. */
export function requires(value: unknown, other: unknown, otherVariable: string): string | undefined {
  return value !== undefined && other === undefined ? `needs ${otherVariable}` : undefined;
}

/** Returns what is wrong with the first entry of a list that is not of its kind. */
export function invalidEntry(
  entries: readonly string[],
  isValid: (entry: string) => boolean,
  kinds: string,
): string | undefined {
  const invalid = entries.find((entry) => !isValid(entry));
  return invalid === undefined ? undefined : `must list ${kinds}; ${invalid} is not one`;
}
