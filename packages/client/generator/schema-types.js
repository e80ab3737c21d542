// @ts-check
import { stringLiteral } from './type-text.js';

/** @typedef {import('./type-text.js').Type} Type */

/**
 * The keywords of JSON Schema (draft-07) that say a type. Rules such as `minLength` say none.
 *
 * @typedef {object} JsonSchema
 * @property {string} [$ref]
 * @property {string} [description]
 * @property {string | readonly string[]} [type]
 * @property {unknown} [const]
 * @property {readonly unknown[]} [enum]
 * @property {readonly JsonSchema[]} [anyOf]
 * @property {readonly JsonSchema[]} [oneOf]
 * @property {readonly JsonSchema[]} [allOf]
 * @property {JsonSchema | readonly JsonSchema[]} [items]
 * @property {Readonly<Record<string, JsonSchema>>} [properties]
 * @property {readonly string[]} [required]
 * @property {boolean | JsonSchema} [additionalProperties]
 */

/** @typedef {{ readonly name: string; readonly comment: string | undefined; readonly type: Type }} Declaration */

const PREFIX = '#/components/schemas/';
const UNKNOWN = text('unknown');

/** @type {ReadonlyMap<unknown, Type>} */
const PLAIN = new Map([
  ['string', text('string')],
  ['number', text('number')],
  ['integer', text('number')],
  ['boolean', text('boolean')],
  ['null', text('null')],
]);

/** Names that a declaration must not have: the words of TypeScript, and the names that the module itself uses. */
const TAKEN =
  'Messages Record any as async await bigint boolean break case catch class const continue debugger declare default ' +
  'delete do else enum export extends false finally for function globalThis if implements import in instanceof interface let ' +
  'never new null number object of package private protected public return static string super switch symbol this ' +
  'throw true try type typeof undefined unknown var void while with yield';

/** Converts JSON Schema to types of TypeScript. A schema of the document that is referred to becomes a declaration. */
export class SchemaTypes {
  /** @type {Map<string, string>} */
  #names = new Map();
  /** @type {Declaration[]} */
  #declarations = [];
  #taken = new Set(TAKEN.split(' '));
  #schemas;

  /** @param {Readonly<Record<string, JsonSchema>>} schemas */
  constructor(schemas) {
    this.#schemas = schemas;
  }

  /** The declarations of all schemas that were referred to, in the order of their names. */
  get declarations() {
    return this.#declarations.toSorted(({ name: one }, { name: other }) => (one < other ? -1 : 1));
  }

  /**
   * @param {unknown} value a schema; anything else is a value of any type
   * @returns {Type}
   */
  of(value) {
    if (value === false) return text('never');
    if (typeof value !== 'object' || value === null) return UNKNOWN;
    const schema = /** @type {JsonSchema} */ (value);
    const parts = [
      this.#own(schema),
      ...[schema.anyOf, schema.oneOf].map((each) =>
        each === undefined ? UNKNOWN : union(list(each).map((one) => this.of(one))),
      ),
      ...list(schema.allOf).map((each) => this.of(each)),
    ];
    return intersection(parts);
  }

  /**
   * @param {JsonSchema} schema
   * @returns {Type}
   */
  #own(schema) {
    if (schema.$ref !== undefined) return this.#referred(schema.$ref);
    if (schema.const !== undefined) return literal(schema.const);
    if (schema.enum !== undefined) return union(list(schema.enum).map(literal));
    if (Array.isArray(schema.type)) return union(schema.type.map((type) => this.#own({ ...schema, type })));
    if (schema.type === 'array')
      return { kind: 'array', of: Array.isArray(schema.items) ? UNKNOWN : this.of(schema.items) };
    if (schema.type === 'object' || schema.properties !== undefined) return this.#object(schema);
    return PLAIN.get(schema.type) ?? UNKNOWN;
  }

  /**
   * @param {JsonSchema} schema
   * @returns {Type}
   */
  #object({ properties = {}, required = [], additionalProperties }) {
    const members = Object.entries(properties).map(([name, schema]) => ({
      head: memberName(name) + (required.includes(name) ? '' : '?'),
      comment: commentOf(schema),
      type: this.of(schema),
    }));
    if (members.length === 0 && additionalProperties === undefined) return text('Record<string, unknown>');
    // The type `{}` would take every value but null and undefined.
    if (members.length === 0 && additionalProperties === false) return text('Record<string, never>');
    if (additionalProperties === undefined || additionalProperties === false) return { kind: 'object', members };
    // The type of an index signature must include the types of all members.
    const type = members.length === 0 ? this.of(additionalProperties) : UNKNOWN;
    return { kind: 'object', members: [...members, { head: '[key: string]', comment: undefined, type }] };
  }

  /**
   * @param {string} reference
   * @returns {Type}
   */
  #referred(reference) {
    const key = reference.slice(PREFIX.length);
    if (!reference.startsWith(PREFIX) || !Object.hasOwn(this.#schemas, key)) return UNKNOWN;
    let name = this.#names.get(key);
    if (name === undefined) {
      name = this.#unusedName(key);
      this.#names.set(key, name); // ends the recursion where the schema refers to itself
      const schema = this.#schemas[key];
      this.#declarations.push({ name, comment: commentOf(schema), type: this.of(schema) });
    }
    return text(name);
  }

  /** @param {string} key */
  #unusedName(key) {
    const plain = key.replaceAll(/[^\w$]/g, '').replace(/^(?=\d|$)/, '_');
    let name = plain;
    for (let count = 2; this.#taken.has(name); count++) name = `${plain}${count}`;
    this.#taken.add(name);
    return name;
  }
}

/**
 * Writes the name of a member, in quotes where TypeScript needs them.
 *
 * @param {string} name
 */
export function memberName(name) {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : stringLiteral(name);
}

/**
 * @param {string} value
 * @returns {Type}
 */
function text(value) {
  return { kind: 'text', text: value };
}

/**
 * @param {unknown} value
 * @returns {Type}
 */
function literal(value) {
  if (typeof value === 'string') return text(stringLiteral(value));
  if (typeof value === 'boolean' || value === null) return text(String(value));
  if (typeof value !== 'number') return UNKNOWN;
  return text(Number.isFinite(value) ? String(value).replace('e+', 'e') : 'number');
}

/**
 * @param {readonly Type[]} types
 * @returns {Type}
 */
function union(types) {
  const distinct = distinctTypes(types.flatMap((type) => (type.kind === 'union' ? type.of : [type])));
  if (distinct.includes(UNKNOWN)) return UNKNOWN;
  const [first = UNKNOWN, ...rest] = distinct;
  return rest.length === 0 ? first : { kind: 'union', of: distinct };
}

/**
 * @param {readonly Type[]} types
 * @returns {Type}
 */
function intersection(types) {
  const distinct = distinctTypes(types).filter((type) => type !== UNKNOWN);
  return distinct.length > 1 ? { kind: 'intersection', of: distinct } : (distinct[0] ?? UNKNOWN);
}

/** @param {readonly Type[]} types */
function distinctTypes(types) {
  return [...new Map(types.map((type) => [JSON.stringify(type), type])).values()];
}

/** @param {unknown} schema */
function commentOf(schema) {
  const { description } = /** @type {JsonSchema} */ (schema ?? {});
  return typeof description === 'string' ? description : undefined;
}

/**
 * @template Item
 * @param {readonly Item[] | undefined} value
 * @returns {readonly Item[]}
 */
function list(value) {
  return Array.isArray(value) ? value : [];
}
