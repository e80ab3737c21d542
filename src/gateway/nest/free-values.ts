import { shownName } from '../dispatch/shown-name.js';

/** Fields of one object from which on a value is taken out; up to then class-transformer is quick. */
const WIDE_FIELDS = 256;

/**
 * Keeps values without a class out of class-transformer, which takes time in the square of the number of fields of an
 * object. A symbol stands for each value meanwhile, because class-transformer passes symbols on.
 */
export class FreeValues {
  #taken: Map<symbol, object> | undefined;
  #holders: (readonly [holder: object, name: string, value: object])[] = [];

  /** Takes a wide value out of its holder. */
  take(holder: object, name: string, value: object, mostFields: number): void {
    if (mostFields < WIDE_FIELDS) return;
    const standIn = Symbol(name);
    (this.#taken ??= new Map()).set(standIn, value);
    this.#holders.push([holder, name, value]);
    (holder as Record<string, unknown>)[name] = standIn;
  }

  /**
   * Puts the values back, in place of their symbols anywhere inside `value`, and into their holders, because another
   * parameter or an interceptor may read the same body.
   */
  restore(value: object): void {
    if (this.#taken === undefined) return;
    for (const [holder, name, taken] of this.#holders.splice(0)) (holder as Record<string, unknown>)[name] = taken;
    this.#restoreInside(value);
  }

  #restoreInside(value: object): void {
    for (const [name, field] of Object.entries(value) as [string, unknown][])
      if (typeof field === 'symbol') (value as Record<string, unknown>)[name] = this.#taken!.get(field);
      else if (typeof field === 'object' && field !== null) this.#restoreInside(field);
  }
}

/** Finds the field of a value without a class that must be refused, and its widest object. */
export class FreeValueScan {
  mostFields = 0;

  /** Returns the path of a field with the name of an inherited member: `constructor`, `toString`, `__proto__`. */
  inheritedField(value: object): string | undefined {
    // The value was parsed from JSON and is at most MAX_HANDLED_DEPTH levels deep.
    if (Array.isArray(value)) return this.#inside(value, value.keys());
    const names = Object.keys(value);
    if (names.length > this.mostFields) this.mostFields = names.length;
    const inherited = names.find((name) => name in Object.prototype);
    return inherited === undefined ? this.#inside(value, names) : `.${inherited}`;
  }

  #inside(value: object, names: Iterable<string | number>): string | undefined {
    for (const name of names) {
      const field = (value as Record<string | number, unknown>)[name];
      if (typeof field !== 'object' || field === null) continue;
      const found = this.inheritedField(field);
      if (found !== undefined) return `.${shownName(String(name))}${found}`;
    }
    return undefined;
  }
}
