import {
  DeliveredEnvelope,
  MessageDto,
  SERVER_SENDER,
  SESSION_ID,
  type SERVER_MESSAGES,
} from '../../protocol/index.js';
import type { JsonSchema } from './json-schema.js';
import type { PropertyRules } from './property-rules.js';
import type { SchemaRegistry } from './schema-registry.js';

/** What one message says of a field otherwise than the plain envelope does; `absent` takes the field away. */
interface Difference {
  readonly schema?: JsonSchema;
  readonly required?: boolean;
}
/** A row of the table of the server's words. */
export type AnyServerMessage = (typeof SERVER_MESSAGES)[keyof typeof SERVER_MESSAGES];
type Differences = Readonly<Record<string, Difference | 'absent'>>;

const NOT_THE_SERVERS: JsonSchema = { not: { pattern: '^sys\\.' } };
const A_SESSION: JsonSchema = { type: 'string', pattern: SESSION_ID.source };
const THE_SERVER: JsonSchema = { type: 'string', pattern: SERVER_SENDER.source };

/** Writes the schemas of whole envelopes: the fields of the classes that are the source, with what one word changes. */
export class Envelopes {
  readonly #sent: readonly PropertyRules[];
  readonly #delivered: readonly PropertyRules[];

  constructor(book: SchemaRegistry) {
    this.#sent = book.fields(MessageDto);
    this.#delivered = book.fields(DeliveredEnvelope);
  }

  /** What a client writes to have it carried to a session, or to all. */
  carried(): JsonSchema {
    return write('Message', this.#sent, { type: { schema: NOT_THE_SERVERS }, receiver: { required: true } });
  }

  /** What a client writes under one word; nobody but the server is its receiver. */
  said(type: string, data: JsonSchema, required: boolean): JsonSchema {
    return write(type, this.#sent, { type: { schema: { const: type } }, data: { schema: data, required } });
  }

  /** A message of another session, as it arrives. */
  fromSession(): JsonSchema {
    const type = { schema: NOT_THE_SERVERS };
    return write('From a session', this.#delivered, { type, sender: { schema: A_SESSION }, ref: 'absent' });
  }

  /** A message in the server's name: of another back end, or a handler's answer under any word. */
  fromServer(): JsonSchema {
    return write('From the server', this.#delivered, {
      type: { schema: NOT_THE_SERVERS },
      sender: { schema: THE_SERVER },
    });
  }

  /** What a handler answers under its own word. */
  answered(type: string, data: JsonSchema): JsonSchema {
    return write(type, this.#delivered, {
      type: { schema: { const: type } },
      sender: { schema: { const: 'server' } },
      receiver: { schema: A_SESSION },
      data: { schema: data },
      id: 'absent',
    });
  }

  /** One of the server's own words. */
  told(type: string, word: AnyServerMessage, data: JsonSchema): JsonSchema {
    return write(type, this.#delivered, {
      type: { schema: { const: type } },
      sender: { schema: word.sender === 'server' ? { const: 'server' } : A_SESSION },
      receiver: { schema: word.receiver === 'you' ? A_SESSION : { const: '*' } },
      data: { schema: data, required: word.dataIs === 'present' },
      id: 'absent',
      ref: word.ref === 'never' ? 'absent' : { required: word.ref === 'always' },
    });
  }
}

function write(title: string, fields: readonly PropertyRules[], differences: Differences): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const field of fields) {
    const difference = differences[field.name] ?? {};
    if (difference === 'absent') continue;
    properties[field.name] = changed(field.schema, difference.schema);
    if (difference.required ?? field.required) required.push(field.name);
  }
  return { title, type: 'object', properties, required, additionalProperties: false };
}

/** A narrower schema in place of the plain one, or beside it where it only takes something away from it. */
function changed(plain: JsonSchema, schema: JsonSchema | undefined): JsonSchema {
  if (schema === undefined) return plain;
  return schema.not === undefined ? schema : { ...plain, ...schema };
}
