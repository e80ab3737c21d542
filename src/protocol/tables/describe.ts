/** Describes a class, a field or a handler in the AsyncAPI document. */
export interface Description {
  readonly text: string;
  /** An example value; for a handler, the `data` of a message. */
  readonly example?: unknown;
}

/** Descriptions by class, and by prototype for fields and methods. */
const descriptions = new WeakMap<object, Map<string, Description>>();
const OF_CLASS = '';

/**
 * Describes a class, a field of a DTO or a handler in the AsyncAPI document. The rules of class-validator are in the
 * document without a description.
 */
export function Describe(text: string, example?: unknown) {
  return (target: object, member?: string | symbol): void => {
    let ofTarget = descriptions.get(target);
    if (ofTarget === undefined) descriptions.set(target, (ofTarget = new Map<string, Description>()));
    ofTarget.set(String(member ?? OF_CLASS), example === undefined ? { text } : { text, example });
  };
}

/** Returns the description of a class, or of its member as the nearest class in the prototype chain describes it. */
export function descriptionOf(target: { readonly prototype: object }, member?: string): Description | undefined {
  if (member === undefined) return descriptions.get(target)?.get(OF_CLASS);
  for (
    let owner: unknown = target.prototype;
    typeof owner === 'object' && owner !== null;
    owner = Object.getPrototypeOf(owner)
  ) {
    const found = descriptions.get(owner)?.get(member);
    if (found !== undefined) return found;
  }
  return undefined;
}
