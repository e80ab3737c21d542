/** A `ValidationError` of class-validator, by its shape. */
interface BrokenField {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, string>> | undefined;
  readonly children?: readonly BrokenField[] | undefined;
}

/** Returns whether a value is a `ValidationError`, of whatever copy of class-validator. */
export function isBrokenField(value: unknown): value is BrokenField {
  return typeof value === 'object' && value !== null && 'property' in value && typeof value.property === 'string';
}

/** Returns the first broken rule with the path of its field: `data.sides must not be less than 3`. */
export function brokenRule({ property, constraints, children }: BrokenField, path = 'data'): string {
  const [child] = children ?? [];
  if (child !== undefined) return brokenRule(child, `${path}.${property}`);
  const [rule = `${property} is wrong`] = Object.values(constraints ?? {});
  return rule.startsWith(`${property} `) ? `${path}.${rule}` : `${path}.${property}: ${rule}`;
}
