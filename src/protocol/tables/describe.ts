/** A class whose instances are sent as JSON. */
export type DtoClass = abstract new (...parts: never[]) => object;

/** The type of a value in `data`: a DTO class, `String`, `Number`, `Boolean`, or an array of one of them. */
export type ValueType = DtoClass | readonly [DtoClass];

/** Describes a class, a field or a handler in the AsyncAPI document. */
export interface Description {
  readonly text?: string;
  /** An example value; for a handler, the `data` of a message. */
  readonly example?: unknown;
  /** For a handler, the type of its answer; `null` where the handler only acknowledges. */
  readonly answer?: ValueType | null;
  /** For a handler that answers several times, the type of each answer. */
  readonly stream?: ValueType;
}

/** Descriptions by class, and by prototype for fields and methods. */
const descriptions = new WeakMap<object, Map<string, Description>>();
const OF_CLASS = '';

/**
 * Describes a class, a field of a DTO or a handler in the AsyncAPI document. The rules of class-validator are in the
 * document without a description. TypeScript erases the type of a promise, of an array and of a stream, so that
 * `answer` and `stream` name the class: `@Describe({ answer: RolledDto })`, `@Describe({ answer: [RolledDto] })` for an
 * array, `@Describe({ stream: StepDto })` for each value of a stream.
 */
export function Describe(text: string, example?: unknown): DescribeDecorator;
export function Describe(description: Description): DescribeDecorator;
export function Describe(description: string | Description, example?: unknown): DescribeDecorator {
  const added =
    typeof description !== 'string' ? description : { text: description, ...(example !== undefined && { example }) };
  return (target, member) => {
    let ofTarget = descriptions.get(target);
    if (ofTarget === undefined) descriptions.set(target, (ofTarget = new Map<string, Description>()));
    const key = String(member ?? OF_CLASS);
    ofTarget.set(key, { ...ofTarget.get(key), ...added });
  };
}

export type DescribeDecorator = (target: object, member?: string | symbol) => void;

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
