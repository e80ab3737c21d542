/** Words that class-validator writes before the name of a field. */
export const BEFORE_FIELD = /^(each value in )?(?:nested property |property )?(.*)$/s;

/** A `ValidationError` of class-validator, by its shape. */
interface BrokenField {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, unknown>> | null;
  readonly children?: unknown;
}

/** Returns whether a value is a `ValidationError`, of whatever copy of class-validator. */
export function isBrokenField(value: unknown): value is BrokenField {
  return typeof value === 'object' && value !== null && 'property' in value && typeof value.property === 'string';
}

/** Returns the first broken rule with the path of its field: `data.items.0.name must be a string`. */
export function brokenRule({ property, constraints, children }: BrokenField, path: string): string {
  const child: unknown = Array.isArray(children) ? children[0] : undefined;
  if (isBrokenField(child)) return brokenRule(child, `${path}.${property}`);
  const [broken] = Object.values(constraints ?? {});
  return fieldMessage(typeof broken === 'string' ? broken : `${property} is wrong`, path, property);
}

/**
 * Puts the path of a body before the message of a rule: `data.sides must not be less than 3`. A text that does not begin
 * with the name of its field gets it: `data.sides: too few`.
 */
export function fieldMessage(message: string, path: string, property: string): string {
  const [, each = '', rule = ''] = BEFORE_FIELD.exec(message)!;
  return beginsWith(rule, property) ? `${each}${path}.${rule}` : `${path}.${property}: ${message}`;
}

function beginsWith(rule: string, property: string): boolean {
  return rule.startsWith(property) && !/^[\w$]/.test(rule.slice(property.length));
}
