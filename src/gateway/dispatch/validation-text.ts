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

/** Returns the first broken rule with the path of its field: `data.sides must not be less than 3`. */
export function brokenRule({ property, constraints, children }: BrokenField, path: string): string {
  const child: unknown = Array.isArray(children) ? children[0] : undefined;
  if (isBrokenField(child)) return brokenRule(child, `${path}.${property}`);
  const [broken] = Object.values(constraints ?? {});
  const rule = typeof broken === 'string' ? broken : `${property} is wrong`;
  return rule.startsWith(`${property} `) ? `${path}.${rule}` : `${path}.${property}: ${rule}`;
}
