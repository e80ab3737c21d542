/** Types that a class or one of its methods sends. */
export interface Emission {
  readonly types: readonly string[];
  /** The decorated method; `undefined` where the class is decorated. */
  readonly method: string | undefined;
}

const emissions = new WeakMap<object, Emission[]>();

/**
 * Reserves message types for server code: `@Emits('poll.opened', 'poll.closed')` on a gateway, another provider, a
 * controller, or one of their methods. Clients that send such a type to a session or to `"*"` get `reserved_type`.
 * Handlers, the HTTP API and the server send them. A type that a handler claims goes to that handler as before.
 *
 * @param types whole types of the application; the start fails for any other text
 */
export function Emits(...types: readonly string[]) {
  return (target: object, method?: string | symbol): void => {
    const owner = typeof target === 'function' ? target : target.constructor;
    let ofOwner = emissions.get(owner);
    if (ofOwner === undefined) emissions.set(owner, (ofOwner = []));
    ofOwner.push({ types, method: method === undefined ? undefined : String(method) });
  };
}

/** Lists what `@Emits` says of a class and of the classes that it extends. */
export function emissionsOf(metatype: object): Emission[] {
  const found: Emission[] = [];
  for (let owner: object | null = metatype; owner !== null; owner = Reflect.getPrototypeOf(owner))
    found.push(...(emissions.get(owner) ?? []));
  return found;
}
