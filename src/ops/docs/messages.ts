import {
  SYSTEM_REQUESTS,
  SERVER_MESSAGES,
  type SystemRequestType,
  type ServerMessageMap,
} from '../../protocol/index.js';
import { Envelopes, type AnyServerMessage } from './envelopes.js';
import type { Body, HandlerDescriptor } from './handler-descriptors.js';
import type { DtoClass, JsonSchema } from './json-schema.js';
import type { SchemaRegistry } from './schema-registry.js';

const ME = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';
const OTHER = 'kCgk0l3w.9bXr3Tq7Lm2Vh0Ys';
const ID = 'm-1';

/** A message of the document (AsyncAPI 3.0, Message Object). */
export interface Message {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly contentType: 'application/json';
  readonly correlationId?: { readonly description: string; readonly location: string };
  readonly tags: readonly { readonly name: string }[];
  readonly payload: JsonSchema;
  readonly examples?: readonly { readonly name?: string; readonly payload: unknown }[];
}

const BY_REF = {
  description: 'The `id` of the message that it answers.',
  location: '$message.payload#/ref',
};

/** Writes every message that goes over the wire, from the tables of the protocol and what handlers declare. */
export class Messages {
  readonly #envelopes: Envelopes;

  constructor(private readonly book: SchemaRegistry) {
    this.#envelopes = new Envelopes(book);
  }

  /** What applications say to each other; no code of the server knows the words. */
  carried(): Message {
    return message('message', 'Message', 'client', this.#envelopes.carried(), {
      summary: 'Goes to one session, or to everyone but you, under any word of your own.',
      examples: [
        { name: 'to one session', payload: { type: 'offer', receiver: OTHER, id: ID, data: { sdp: 'v=0' } } },
        { name: 'to all', payload: { type: 'chat', receiver: '*', data: { text: 'hello' } } },
      ],
    });
  }

  fromSession(): Message {
    return message('from-session', 'Message of a session', 'application', this.#envelopes.fromSession(), {
      summary: 'What another session sent to you, or to all: its own words behind the sender that the server wrote.',
      examples: [{ payload: { sender: OTHER, type: 'chat', receiver: '*', data: { text: 'hello' } } }],
    });
  }

  fromServer(): Message {
    return message('from-server', 'Message of the server', 'application', this.#envelopes.fromServer(), {
      summary: 'What a handler or another back end says: under the word that was asked, or any other.',
      correlationId: BY_REF,
      examples: [{ payload: { type: 'news', sender: 'server/billing', receiver: '*', data: { paid: true } } }],
    });
  }

  /** What the server says by itself. */
  server(type: keyof ServerMessageMap): Message {
    const word: AnyServerMessage = SERVER_MESSAGES[type];
    const { example: data, sender, receiver, ref, when, data: dto } = word;
    const example = {
      type,
      sender: sender === 'server' ? 'server' : OTHER,
      receiver: receiver === 'you' ? ME : '*',
      ...(ref !== 'never' && { ref: ID }),
      data,
    };
    return message(type, type, 'server', this.#envelopes.told(type, word, this.#data(dto)), {
      summary: when,
      ...(ref !== 'never' && { correlationId: BY_REF }),
      examples: [{ payload: example }],
    });
  }

  /** What a client may ask of the server. */
  client(type: keyof typeof SYSTEM_REQUESTS): Message {
    const { data, dataIs, when, example }: SystemRequestType = SYSTEM_REQUESTS[type];
    const schema = this.#envelopes.said(type, this.#data(data), dataIs === 'present');
    return message(type, type, 'client', schema, {
      summary: when,
      examples: [{ payload: { type, id: ID, data: example } }],
    });
  }

  /** What a handler is asked. */
  asked({ type, gateway, description, bodies }: HandlerDescriptor): Message {
    const data = this.#body(bodies);
    const example = description?.example;
    return message(type, type, 'handler', this.#envelopes.said(type, data, demands(data)), {
      summary: description?.text ?? `Goes to a handler of ${gateway}.`,
      ...(example !== undefined && { examples: [{ payload: { type, id: ID, data: example } }] }),
    });
  }

  /** What a handler answers under the word that it was asked. */
  answered({ type, gateway, answer }: HandlerDescriptor): Message {
    const known = answer !== undefined && this.book.fields(answer).length > 0;
    return message(type, type, 'handler', this.#envelopes.answered(type, known ? this.book.of(answer) : {}), {
      summary: `What ${gateway} answers, if it answers under this word.`,
      correlationId: BY_REF,
    });
  }

  #data(dto: DtoClass | undefined): JsonSchema {
    return dto === undefined ? {} : this.book.of(dto);
  }

  /** `data` as the parameters of a handler declare it. */
  #body(bodies: readonly Body[]): JsonSchema {
    const whole = bodies.find(({ field }) => field === undefined);
    if (whole !== undefined) return this.#declared(whole);
    const fields = bodies.map((body): [string, JsonSchema] => [body.field ?? '', this.#declared(body)]);
    return fields.length === 0
      ? {}
      : { type: 'object', properties: Object.fromEntries(fields), required: fields.map(([name]) => name) };
  }

  #declared({ declared, pipes }: Body): JsonSchema {
    const schema = PLAIN.get(declared) ?? (typeof declared === 'function' ? this.book.of(declared as DtoClass) : {});
    return pipes.length === 0
      ? schema
      : { ...(schema.$ref === undefined ? schema : { allOf: [schema] }), 'x-rules': pipes };
  }
}

/** What a parameter says that is declared as no class of its own. */
const PLAIN: ReadonlyMap<unknown, JsonSchema> = new Map<unknown, JsonSchema>([
  [Object, {}],
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [Array, { type: 'array' }],
]);

/** Whether a handler can do nothing without `data`. */
function demands(data: JsonSchema): boolean {
  return Object.keys(data).length > 0;
}

function message(
  name: string,
  title: string,
  tag: string,
  payload: JsonSchema,
  rest: Pick<Message, 'summary' | 'correlationId' | 'examples'>,
): Message {
  return { name, title, contentType: 'application/json', tags: [{ name: tag }], payload, ...rest };
}
