/** What a class, a field or a handler is about, for the protocol's document. */
export interface Description {
  readonly text: string;
  /** What could stand there; of a handler, the `data` of a message to it. */
  readonly example?: unknown;
}

/** Of each class, and of its prototype for fields and methods. Weak, so that it holds nothing that is gone. */
const descriptions = new WeakMap<object, Map<string, Description>>();
const ITSELF = '';

/**
 * Says in the protocol's document what a class, a field of a DTO or a handler is about. Rules need no words here: the
 * document has them from class-validator.
 */
export function Describe(text: string, example?: unknown) {
  return (target: object, member?: string | symbol): void => {
    let known = descriptions.get(target);
    if (known === undefined) descriptions.set(target, (known = new Map<string, Description>()));
    known.set(String(member ?? ITSELF), example === undefined ? { text } : { text, example });
  };
}

/** Returns what was said of a member of a class, or of the class itself; a subclass may say it anew. */
export function descriptionOf(target: { readonly prototype: object }, member?: string): Description | undefined {
  if (member === undefined) return descriptions.get(target)?.get(ITSELF);
  for (let of: unknown = target.prototype; typeof of === 'object' && of !== null; of = Object.getPrototypeOf(of)) {
    const found = descriptions.get(of)?.get(member);
    if (found !== undefined) return found;
  }
  return undefined;
}
