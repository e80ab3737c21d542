// @ts-check
import { memberName, SchemaTypes } from './schema-types.js';
import { declaration } from './type-text.js';

/** @typedef {import('./schema-types.js').JsonSchema} JsonSchema */

/**
 * The parts of the AsyncAPI document that declare messages.
 *
 * @typedef {object} AsyncApi
 * @property {string} asyncapi
 * @property {{ readonly title: string }} info
 * @property {Readonly<Record<string, Operation>>} operations
 * @property {{ readonly schemas?: Readonly<Record<string, JsonSchema>> }} [components]
 */

/** @typedef {{ readonly $ref: string }} Reference */

/**
 * @typedef {object} Operation
 * @property {'send' | 'receive'} action
 * @property {readonly Reference[]} messages
 * @property {{ readonly messages: readonly Reference[] }} [reply]
 */

/**
 * @typedef {object} Message
 * @property {string} [summary]
 * @property {readonly { readonly name: string }[]} [tags]
 * @property {{ readonly properties?: Readonly<Record<string, JsonSchema>> }} [payload]
 * @property {boolean} [x-stream]
 */

const HEADER = '// Written by switchboard-types. Do not edit; write it again when the server changes.\n';
const COMMENT = 'The message types of the server, for `connect<Messages>()` of switchboard-client.';
const MAX_REFERENCES = 8;

/**
 * Writes the module of an AsyncAPI document: the interface `Messages`, and an interface for each class of the server
 * that its types refer to. The text depends on the document alone, and types are in the order of their names.
 *
 * @param {AsyncApi} document
 */
export function messagesModule(document) {
  const types = new SchemaTypes(document.components?.schemas ?? {});
  const members = sorted(declaredTypes(document)).map(([type, { summary, schemas }]) => ({
    head: memberName(type),
    comment: summary,
    type: {
      kind: /** @type {const} */ ('object'),
      members: [...schemas].map(([head, schema]) => ({ head, comment: undefined, type: types.of(schema) })),
    },
  }));
  const messages = declaration('Messages', COMMENT, { kind: 'object', members });
  return [
    HEADER,
    messages,
    ...types.declarations.map(({ name, comment, type }) => declaration(name, comment, type)),
  ].join('\n');
}

/**
 * @typedef {object} DeclaredType
 * @property {string | undefined} summary
 * @property {Map<'request' | 'answer' | 'stream' | 'notice', unknown>} schemas
 */

/**
 * Lists the types that handlers claim, and those that only the server sends. The messages of the protocol itself are
 * part of the client, and the server does not know what sessions send to each other.
 *
 * @param {AsyncApi} document
 */
function declaredTypes(document) {
  /** @type {Map<string, DeclaredType>} */
  const all = new Map();
  for (const { action, messages, reply } of Object.values(document.operations ?? {})) {
    const tag = action === 'receive' ? 'handler' : 'application';
    for (const message of tagged(document, messages, tag)) {
      const type = typeOf(message);
      if (type === undefined) continue;
      let declared = all.get(type);
      if (declared === undefined) all.set(type, (declared = { summary: message.summary, schemas: new Map() }));
      declared.schemas.set(action === 'receive' ? 'request' : 'notice', dataOf(message));
      for (const answer of tagged(document, reply?.messages, 'handler'))
        declared.schemas.set(answer['x-stream'] === true ? 'stream' : 'answer', dataOf(answer));
    }
  }
  return all;
}

/** @param {Map<string, DeclaredType>} types */
function sorted(types) {
  return [...types].toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/**
 * @param {AsyncApi} document
 * @param {readonly Reference[] | undefined} references
 * @param {string} tag
 */
function tagged(document, references, tag) {
  return (references ?? [])
    .map((reference) => resolved(document, reference))
    .filter(({ tags }) => tags?.some(({ name }) => name === tag));
}

/** @param {Message} message */
function typeOf({ payload }) {
  const type = payload?.properties?.['type']?.const;
  return typeof type === 'string' ? type : undefined;
}

/** @param {Message} message */
function dataOf({ payload }) {
  return payload?.properties?.['data'];
}

/**
 * Returns the message of a reference, which may lead to another reference.
 *
 * @param {AsyncApi} document
 * @param {Reference} reference
 * @returns {Message}
 */
function resolved(document, reference) {
  /** @type {unknown} */
  let found = reference;
  for (let count = 0; count < MAX_REFERENCES; count++) {
    const { $ref } = /** @type {Partial<Reference>} */ (found ?? {});
    if (typeof $ref !== 'string') break;
    found = at(document, $ref.replace(/^#\//, '').split('/').map(unescaped));
  }
  return found ?? {};
}

/**
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {unknown}
 */
function at(value, path) {
  return path.reduce(
    (/** @type {unknown} */ inner, name) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
        ? /** @type {Record<string, unknown>} */ (inner)[name]
        : undefined,
    value,
  );
}

/** @param {string} name a part of a JSON pointer (RFC 6901) */
function unescaped(name) {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}
