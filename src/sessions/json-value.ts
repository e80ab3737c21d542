/** Values within a value, at most. More would block the process while they are checked. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 100;

/**
 * Returns why a value is not the same after `JSON.stringify` and `JSON.parse`; `undefined` where it is. A property that is
 * `undefined` counts as absent.
 *
 * @param maxCharacters length of the JSON text, at most
 */
export function jsonProblem(value: unknown, maxCharacters: number): string | undefined {
  const problem = new JsonCheck().problem(value, 0);
  if (problem !== undefined) return problem;
  const { length } = JSON.stringify(value);
  return length > maxCharacters ? `${length} characters of JSON, at most ${maxCharacters} are carried` : undefined;
}

/** The check of one value, which counts the values within. */
class JsonCheck {
  #count = 0;

  problem(value: unknown, depth: number): string | undefined {
    if (++this.#count > MAX_VALUES) return `more than ${MAX_VALUES} values`;
    if (depth > MAX_DEPTH) return `a value more than ${MAX_DEPTH} levels deep`;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
    if (typeof value === 'number') return Number.isFinite(value) ? undefined : `the number ${value}`;
    if (typeof value !== 'object') return `a value of type ${typeof value}`;
    if (Array.isArray(value)) return this.#problemOfItems(value, depth);
    return isPlain(value) ? this.#problemOfProperties(value, depth) : `an object of the class ${className(value)}`;
  }

  #problemOfItems(items: readonly unknown[], depth: number): string | undefined {
    // By index, because a hole is `undefined`, which JSON writes as null.
    for (let index = 0; index < items.length; index++) {
      const problem = this.problem(items[index], depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #problemOfProperties(value: object, depth: number): string | undefined {
    if (Object.getOwnPropertySymbols(value).length > 0) return 'a property whose key is a symbol';
    for (const [key, property] of Object.entries(value)) {
      if (key === 'toJSON' && typeof property === 'function') return 'an object with toJSON';
      const problem = property === undefined ? undefined : this.problem(property, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function className(value: object): string {
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } };
  return typeof constructor?.name === 'string' ? constructor.name : 'without a name';
}
