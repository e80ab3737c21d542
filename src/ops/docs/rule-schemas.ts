import type { JsonSchema } from './json-schema.js';

/** Translates a rule of class-validator to JSON Schema; returns `undefined` where no exact translation exists. */
type Translation = (constraints: readonly unknown[]) => JsonSchema | undefined;

const number = (schema: JsonSchema): JsonSchema => ({ type: 'number', ...schema });
const text = (schema: JsonSchema): JsonSchema => ({ type: 'string', ...schema });
const array = (schema: JsonSchema): JsonSchema => ({ type: 'array', ...schema });

/** Translations by rule name of class-validator. A translation allows no value that its rule rejects. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isNumber: ([limits]) => (onlyPlainNumbers(limits) ? { type: 'number' } : undefined),
  isInt: () => ({ type: 'integer' }),
  isArray: () => ({ type: 'array' }),
  isObject: () => ({ type: 'object' }),
  isDefined: () => ({}),
  equals: ([value]) => ({ const: value }),
  notEquals: ([value]) => ({ not: { const: value } }),
  isIn: ([values]) => (Array.isArray(values) ? { enum: values as unknown[] } : undefined),
  isNotIn: ([values]) => (Array.isArray(values) ? { not: { enum: values as unknown[] } } : undefined),
  isEnum: ([entity]) => ({ enum: enumValues(entity as object) }),
  isNotEmpty: () => ({ not: { enum: ['', null] } }),
  min: ([least]) => (typeof least === 'number' ? number({ minimum: least }) : undefined),
  max: ([most]) => (typeof most === 'number' ? number({ maximum: most }) : undefined),
  isPositive: () => number({ exclusiveMinimum: 0 }),
  isNegative: () => number({ exclusiveMaximum: 0 }),
  isDivisibleBy: ([divisor]) => number({ multipleOf: divisor as number }),
  isLength: ([least, most]) =>
    text({ minLength: least as number, ...(typeof most === 'number' && { maxLength: most }) }),
  minLength: ([least]) => text({ minLength: least as number }),
  maxLength: ([most]) => text({ maxLength: most as number }),
  matches: ([pattern]) => (isExact(pattern) ? text({ pattern: pattern.source }) : undefined),
  isUuid: ([version]) => (version === undefined || version === 'all' ? text({ format: 'uuid' }) : undefined),
  arrayMinSize: ([least]) => array({ minItems: least as number }),
  arrayMaxSize: ([most]) => array({ maxItems: most as number }),
  arrayNotEmpty: () => array({ minItems: 1 }),
  arrayUnique: ([identifier]) => (identifier === undefined ? array({ uniqueItems: true }) : undefined),
};

/** Translates a rule to JSON Schema; returns `undefined` where JSON Schema cannot express the rule. */
export function translate(rule: string, constraints: readonly unknown[]): JsonSchema | undefined {
  return TRANSLATIONS[rule]?.(constraints);
}

/** Joins the schemas of several rules. Keywords with different values go into `allOf`. */
export function join(schemas: readonly JsonSchema[]): JsonSchema {
  const joined: Record<string, unknown> = {};
  const conflicting: JsonSchema[] = [];
  for (const schema of schemas)
    for (const [name, value] of Object.entries(schema)) {
      const known = joined[name];
      if (known === undefined || JSON.stringify(known) === JSON.stringify(value)) joined[name] = value;
      else if (name === 'type' && known === 'number' && value === 'integer') joined[name] = value;
      else if (name === 'type' && known === 'integer' && value === 'number') continue;
      else conflicting.push({ [name]: value });
    }
  return conflicting.length === 0
    ? joined
    : { ...joined, allOf: [...((joined['allOf'] as JsonSchema[]) ?? []), ...conflicting] };
}

/**
 * Returns whether options of `@IsNumber()` are expressible. JSON has no NaN and no infinity, so that only decimals
 * matter.
 */
function onlyPlainNumbers(limits: unknown): boolean {
  return typeof limits !== 'object' || limits === null || !('maxDecimalPlaces' in limits);
}

/** Returns whether JSON Schema reads a pattern in the same way. Its patterns have the flag `u` and no other. */
function isExact(pattern: unknown): pattern is RegExp {
  return pattern instanceof RegExp && /^u?$/.test(pattern.flags);
}

/** Returns the values of an enum. The object of a numeric enum holds its names as values too. */
function enumValues(entity: object): unknown[] {
  return Object.entries(entity).flatMap(([name, value]) =>
    Number.isInteger(Number(name)) && typeof value === 'string' ? [] : [value as unknown],
  );
}
