import {
  DeliveredEnvelope,
  GROUP_RECEIVER,
  INVALID_GROUP_RECEIVER,
  MessageDto,
  ROOM_RECEIVER,
  SERVER_SENDER,
  SESSION_ID,
  USER_RECEIVER,
  type SERVER_MESSAGES,
  type SystemRequestType,
} from '../../protocol/index.js';
import type { JsonSchema } from './json-schema.js';
import type { PropertyRules } from './property-rules.js';
import type { SchemaRegistry } from './schema-registry.js';

/** A change to a field of the plain envelope in one message type. */
interface Change {
  readonly schema?: JsonSchema;
  readonly required?: boolean;
}
/** A row of the table of server messages. */
export type AnyServerMessage = (typeof SERVER_MESSAGES)[keyof typeof SERVER_MESSAGES];
/** Changes by field; `absent` removes the field. */
type Changes = Readonly<Record<string, Change | 'absent'>>;

const NOT_RESERVED: JsonSchema = { not: { pattern: '^sys\\.' } };
const SESSION: JsonSchema = { type: 'string', pattern: SESSION_ID.source };
const SERVER_OR_BACK_END: JsonSchema = { type: 'string', pattern: SERVER_SENDER.source };
const ROOM: JsonSchema = { type: 'string', pattern: ROOM_RECEIVER.source };
/** The receiver of server messages. */
const DELIVERED_TO = { you: SESSION, everyone: { const: '*' }, room: ROOM } as const;
/** The receiver of `sys.` requests; the server ignores a receiver where the request has `none`. */
const REQUESTED_OF: Readonly<Record<SystemRequestType['receiver'], Change>> = {
  none: {},
  room: { schema: { ...ROOM, description: '`#` and the name of the room.' }, required: true },
  user: {
    schema: { type: 'string', pattern: USER_RECEIVER.source, description: '`@` and the user.' },
    required: true,
  },
  'none, room or user': {
    schema: {
      type: 'string',
      pattern: GROUP_RECEIVER.source,
      description: '`@` and a user, or `#` and the name of a room; absent for all sessions.',
    },
  },
};

/** Makes the schemas of envelopes from the fields of the envelope classes and the changes of each message type. */
export class Envelopes {
  /** Fields that clients write, and fields that clients receive. */
  readonly #sent: readonly PropertyRules[];
  readonly #delivered: readonly PropertyRules[];

  constructor(schemas: SchemaRegistry) {
    this.#sent = schemas.fields(MessageDto);
    this.#delivered = schemas.fields(DeliveredEnvelope);
  }

  /** A message of a client to a session, a user, a room or all sessions. */
  routed(): JsonSchema {
    return write('Message', this.#sent, {
      type: { schema: NOT_RESERVED },
      receiver: { schema: { not: { pattern: INVALID_GROUP_RECEIVER.source } }, required: true },
    });
  }

  /** A request of a client to the server. */
  systemRequest(type: string, { receiver, dataIs }: SystemRequestType, data: JsonSchema): JsonSchema {
    return write(type, this.#sent, {
      type: { schema: { const: type } },
      receiver: REQUESTED_OF[receiver],
      data: dataIs === 'none' ? 'absent' : { schema: data, required: dataIs === 'present' },
    });
  }

  /** A message of a client to a handler. */
  request(type: string, data: JsonSchema, required: boolean): JsonSchema {
    return write(type, this.#sent, { type: { schema: { const: type } }, data: { schema: data, required } });
  }

  /** A message of another session. */
  fromSession(): JsonSchema {
    const type = { schema: NOT_RESERVED };
    return write('From a session', this.#delivered, { type, sender: { schema: SESSION }, ref: 'absent' });
  }

  /** A message of another back end, or an answer of a handler with any type. */
  fromServer(): JsonSchema {
    return write('From the server', this.#delivered, {
      type: { schema: NOT_RESERVED },
      sender: { schema: SERVER_OR_BACK_END },
    });
  }

  /** The answer of a handler with the type of the request. */
  handlerAnswer(type: string, data: JsonSchema): JsonSchema {
    return write(type, this.#delivered, {
      type: { schema: { const: type } },
      sender: { schema: { const: 'server' } },
      receiver: { schema: SESSION },
      data: { schema: data },
      id: 'absent',
    });
  }

  /** A message of server code, in the name of a session or of the server. */
  emitted(type: string, data: JsonSchema): JsonSchema {
    return write(type, this.#delivered, { type: { schema: { const: type } }, data: { schema: data } });
  }

  /** A message of the server itself. */
  ofServer(type: string, row: AnyServerMessage, data: JsonSchema): JsonSchema {
    return write(type, this.#delivered, {
      type: { schema: { const: type } },
      sender: { schema: row.sender === 'server' ? { const: 'server' } : SESSION },
      receiver: { schema: DELIVERED_TO[row.receiver] },
      data: row.dataIs === 'none' ? 'absent' : { schema: data, required: row.dataIs === 'present' },
      id: 'absent',
      ref: row.ref === 'never' ? 'absent' : { required: row.ref === 'always' },
    });
  }
}

function write(title: string, fields: readonly PropertyRules[], changes: Changes): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const field of fields) {
    const change = changes[field.name] ?? {};
    if (change === 'absent') continue;
    properties[field.name] = narrowed(field.schema, change.schema);
    if (change.required ?? field.required) required.push(field.name);
  }
  return { title, type: 'object', properties, required, additionalProperties: false };
}

/** Returns the narrower schema; one that only excludes values is joined with the plain schema. */
function narrowed(plain: JsonSchema, schema: JsonSchema | undefined): JsonSchema {
  if (schema === undefined) return plain;
  return schema.not === undefined ? schema : { ...plain, ...schema };
}
