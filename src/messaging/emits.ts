import type { ValueType } from '../protocol/index.js';

/** Types that a class or one of its methods sends. */
export interface Emission {
  /** Each type with the class of its `data`, where the class is known. */
  readonly types: readonly (readonly [type: string, data: ValueType | undefined])[];
  /** The decorated method; `undefined` where the class is decorated. */
  readonly method: string | undefined;
}

const emissions = new WeakMap<object, Emission[]>();

/**
 * Reserves message types for server code: `@Emits('poll.opened', 'poll.closed')` on a gateway, another provider, a
 * controller, or one of their methods. Clients that send such a type to a session or to `"*"` get `reserved_type`.
 * Handlers, the HTTP API and the server send them. A type that a handler claims goes to that handler as before.
 *
 * @param emitted whole types of the application, or an object of them with the classes of their `data`, for the
 *   AsyncAPI document: `@Emits({ 'poll.opened': PollDto })`. The start fails for any other text.
 */
export function Emits(...emitted: readonly (string | Readonly<Record<string, ValueType>>)[]) {
  const types = emitted.flatMap((each): Emission['types'] =>
    typeof each === 'object' && each !== null ? Object.entries(each) : [[each, undefined]],
  );
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
