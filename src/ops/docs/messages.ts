import {
  SYSTEM_REQUESTS,
  SERVER_MESSAGES,
  type SystemRequestType,
  type DtoClass,
  type ServerMessageMap,
} from '../../protocol/index.js';
import type { EmittedType } from '../../messaging/reserved-types.js';
import { Envelopes, type AnyServerMessage } from './envelopes.js';
import type { Body, HandlerDescriptor } from './handler-descriptors.js';
import type { JsonSchema } from './json-schema.js';
import { PLAIN } from './plain-types.js';
import type { SchemaRegistry } from './schema-registry.js';

const ME = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';
const OTHER = 'kCgk0l3w.9bXr3Tq7Lm2Vh0Ys';
/** The receiver in examples of server messages. */
const RECEIVERS = { you: ME, everyone: '*', room: '#garden' } as const;
const ID = 'm-1';

/** A Message Object of AsyncAPI 3.0. */
export interface Message {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly contentType: 'application/json';
  readonly correlationId?: { readonly description: string; readonly location: string };
  readonly tags: readonly { readonly name: string }[];
  readonly payload: JsonSchema;
  readonly examples?: readonly { readonly name?: string; readonly payload: unknown }[];
  /** True for an answer that a handler sends any number of times. */
  readonly 'x-stream'?: true;
}

const BY_REF = {
  description: 'The `id` of the answered message.',
  location: '$message.payload#/ref',
};

/** Makes the messages of the document from the tables of the protocol and the declarations of handlers. */
export class Messages {
  readonly #envelopes: Envelopes;

  constructor(private readonly schemas: SchemaRegistry) {
    this.#envelopes = new Envelopes(schemas);
  }

  /** A message between sessions, whose type the server does not know. */
  routed(): Message {
    return message('message', 'Message', 'client', this.#envelopes.routed(), {
      summary: 'Goes to a session, a user, a room or all other sessions, with any type that is not reserved.',
      examples: [
        { name: 'to one session', payload: { type: 'offer', receiver: OTHER, id: ID, data: { sdp: 'v=0' } } },
        { name: 'to a user', payload: { type: 'chat', receiver: '@ann', id: ID, data: { text: 'hello' } } },
        { name: 'to a room', payload: { type: 'chat', receiver: '#garden', id: ID, data: { text: 'hello' } } },
        { name: 'to all', payload: { type: 'chat', receiver: '*', data: { text: 'hello' } } },
      ],
    });
  }

  fromSession(): Message {
    return message('from-session', 'Message of a session', 'application', this.#envelopes.fromSession(), {
      summary:
        'A message of another session to you, your user, a room of yours or all. The server wrote `sender`; the rest is as that session sent it.',
      examples: [{ payload: { sender: OTHER, type: 'chat', receiver: '*', data: { text: 'hello' } } }],
    });
  }

  fromServer(): Message {
    return message('from-server', 'Message of the server', 'application', this.#envelopes.fromServer(), {
      summary: 'A message of a handler or of another back end, with any type that is not reserved.',
      correlationId: BY_REF,
      examples: [{ payload: { type: 'news', sender: 'server/billing', receiver: '*', data: { paid: true } } }],
    });
  }

  /** A message of the server itself. */
  ofServer(type: keyof ServerMessageMap): Message {
    const row: AnyServerMessage = SERVER_MESSAGES[type];
    const { example: data, sender, receiver, ref, when, data: dto } = row;
    const example = {
      type,
      sender: sender === 'server' ? 'server' : OTHER,
      receiver: RECEIVERS[receiver],
      ...(ref !== 'never' && { ref: ID }),
      data,
    };
    return message(type, type, 'server', this.#envelopes.ofServer(type, row, this.#data(dto)), {
      summary: when,
      ...(ref !== 'never' && { correlationId: BY_REF }),
      examples: [{ payload: example }],
    });
  }

  /** A `sys.` request of a client. */
  systemRequest(type: keyof typeof SYSTEM_REQUESTS): Message {
    const request: SystemRequestType = SYSTEM_REQUESTS[type];
    const schema = this.#envelopes.systemRequest(type, request, this.#data(request.data));
    return message(type, type, 'client', schema, {
      summary: request.when,
      examples: request.examples.map(({ name, receiver, data }) => ({
        ...(name !== undefined && { name }),
        payload: { type, receiver, id: ID, data },
      })),
    });
  }

  /** A message that a handler claims. */
  handlerRequest({ type, gateway, description, bodies }: HandlerDescriptor): Message {
    const data = this.#body(bodies);
    const example = description?.example;
    return message(type, type, 'handler', this.#envelopes.request(type, data, isRequired(data)), {
      summary: description?.text ?? `Handled by ${gateway}.`,
      ...(example !== undefined && { examples: [{ payload: { type, id: ID, data: example } }] }),
    });
  }

  /** The answer of a handler with the type of the request. */
  handlerAnswer({ type, gateway, answers }: HandlerDescriptor): Message {
    const payload = this.#envelopes.handlerAnswer(type, this.schemas.ofValue(answers.type));
    if (answers.count === 'several')
      return message(type, type, 'handler', payload, {
        summary: `Each answer of ${gateway}, before the acknowledgement, where it answers with this type.`,
        correlationId: BY_REF,
        'x-stream': true,
      });
    return message(type, type, 'handler', payload, {
      summary: `Answer of ${gateway}, where it answers with this type.`,
      correlationId: BY_REF,
    });
  }

  /** A message of server code that clients cannot send. */
  emitted({ type, emitter, data }: EmittedType): Message {
    const payload = this.#envelopes.emitted(type, this.schemas.ofValue(data));
    return message(type, type, 'application', payload, { summary: `Sent by ${emitter}.` });
  }

  #data(dto: DtoClass | undefined): JsonSchema {
    return dto === undefined ? {} : this.schemas.of(dto);
  }

  /** Returns the schema of `data` as the parameters of a handler declare it. */
  #body(bodies: readonly Body[]): JsonSchema {
    const whole = bodies.find(({ field }) => field === undefined);
    if (whole !== undefined) return this.#declared(whole);
    const fields = bodies.map((body): [string, JsonSchema] => [body.field ?? '', this.#declared(body)]);
    return fields.length === 0
      ? {}
      : { type: 'object', properties: Object.fromEntries(fields), required: fields.map(([name]) => name) };
  }

  #declared({ declared, pipes }: Body): JsonSchema {
    const schema = PLAIN.get(declared) ?? (typeof declared === 'function' ? this.schemas.of(declared as DtoClass) : {});
    return pipes.length === 0
      ? schema
      : { ...(schema.$ref === undefined ? schema : { allOf: [schema] }), 'x-rules': pipes };
  }
}

/** Returns whether a handler declares anything about `data`, which must then be present. */
function isRequired(data: JsonSchema): boolean {
  return Object.keys(data).length > 0;
}

function message(
  name: string,
  title: string,
  tag: string,
  payload: JsonSchema,
  rest: Pick<Message, 'summary' | 'correlationId' | 'examples' | 'x-stream'>,
): Message {
  return { name, title, contentType: 'application/json', tags: [{ name: tag }], payload, ...rest };
}
