import {
  SYSTEM_REQUESTS,
  CLOSE_CODES,
  DEFAULT_PAGE,
  ERRORS,
  MAX_FRAGMENTS,
  MAX_ID_CHARACTERS,
  MAX_PAGE,
  MAX_RECEIVER_CHARACTERS,
  MAX_TYPE_CHARACTERS,
  MAX_WAITING_CALLS,
  PROTOCOL_VERSION,
  HANDSHAKE_REJECTIONS,
  SERVER_MESSAGES,
  SUBPROTOCOL,
  type ServerMessageMap,
} from '../../protocol/index.js';
import type { Settings } from '../../settings/settings.js';
import type { HandlerDescriptor } from './handler-descriptors.js';
import { Messages, type Message } from './messages.js';
import { SchemaRegistry } from './schema-registry.js';
import { secured } from './security.js';

const CHANNEL = 'wss';
const TOLD: readonly (keyof ServerMessageMap)[] = Object.keys(SERVER_MESSAGES) as (keyof ServerMessageMap)[];

interface Reference {
  readonly $ref: string;
}

/** The whole protocol as AsyncAPI 3.0: of the tables and classes by which this server reads and writes. */
export function asyncApi(settings: Settings, words: readonly HandlerDescriptor[]): object {
  const book = new SchemaRegistry();
  const messages = new Messages(book);
  const all = new Map<string, Message>();
  const operations: Record<string, object> = {};
  const told = (keys: readonly string[]): Reference[] => keys.map(inChannel);

  const receive = (key: string, message: Message, answers: readonly string[]): void => {
    all.set(key, message);
    operations[`receive.${key}`] = {
      action: 'receive',
      channel: { $ref: `#/channels/${CHANNEL}` },
      summary: message.summary,
      messages: told([key]),
      reply: { channel: { $ref: `#/channels/${CHANNEL}` }, messages: told([...answers, 'sys.error']) },
    };
  };

  for (const type of TOLD) all.set(type, messages.server(type));
  all.set('from-session', messages.fromSession());
  all.set('from-server', messages.fromServer());
  receive('message', messages.carried(), ['sys.ack']);
  for (const type of Object.keys(SYSTEM_REQUESTS) as (keyof typeof SYSTEM_REQUESTS)[])
    receive(type, messages.client(type), [SYSTEM_REQUESTS[type].answer]);
  for (const word of words) {
    const key = unusedKey(all, word.type);
    all.set(`${key}.answer`, messages.answered(word));
    receive(key, messages.asked(word), [`${key}.answer`, 'sys.ack']);
  }
  operations['send'] = {
    action: 'send',
    channel: { $ref: `#/channels/${CHANNEL}` },
    summary: 'What the server sends without having been asked.',
    messages: told([...TOLD, 'from-session', 'from-server']),
  };

  const { servers, securitySchemes } = secured(settings);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Switchboard',
      version: String(PROTOCOL_VERSION),
      description:
        'Every text frame is one JSON object, the envelope; sessions are known by the ids that they are given.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers,
    channels: { [CHANNEL]: channel(settings, [...all.keys()]) },
    operations,
    components: { messages: Object.fromEntries(all), schemas: book.schemas, ...securitySchemes },
    'x-errors': ERRORS,
    'x-close-codes': CLOSE_CODES,
    'x-refusals': HANDSHAKE_REJECTIONS,
    'x-limits': limits(settings),
  };
}

function channel({ wsPath }: Settings, keys: readonly string[]): object {
  return {
    address: wsPath,
    title: 'The one WebSocket',
    description: 'A trailing slash and a query are allowed. The first frame that comes is `sys.welcome`.',
    messages: Object.fromEntries(keys.map((key) => [key, { $ref: `#/components/messages/${key}` }])),
    bindings: { ws: { method: 'GET', headers: handshakeHeaders(), bindingVersion: '0.1.0' } },
  };
}

function handshakeHeaders(): object {
  const description = `None is needed. \`${SUBPROTOCOL}\` is selected where it is offered; \`bearer.TOKEN\` shows a token.`;
  return {
    type: 'object',
    properties: { 'Sec-WebSocket-Protocol': { type: 'string', description, examples: [SUBPROTOCOL] } },
  };
}

function limits({
  maxMessageBytes,
  heartbeatMs,
  messagesPerSecond,
  bytesPerSecond,
  handlerTimeoutMs,
}: Settings): object {
  return {
    subprotocol: SUBPROTOCOL,
    typeCharacters: MAX_TYPE_CHARACTERS,
    receiverCharacters: MAX_RECEIVER_CHARACTERS,
    idCharacters: MAX_ID_CHARACTERS,
    defaultPage: DEFAULT_PAGE,
    maxPage: MAX_PAGE,
    waitingCalls: MAX_WAITING_CALLS,
    fragments: MAX_FRAGMENTS,
    maxMessageBytes,
    heartbeatMs,
    messagesPerSecond,
    bytesPerSecond,
    handlerTimeoutMs,
  };
}

function inChannel(key: string): Reference {
  return { $ref: `#/channels/${CHANNEL}/messages/${key}` };
}

/** A word as a key, which knows no colon; two that would become one are told apart. */
function unusedKey(taken: ReadonlyMap<string, Message>, type: string): string {
  const plain = type.replaceAll(':', '-');
  let key = plain;
  for (let count = 2; taken.has(key); count++) key = `${plain}-${count}`;
  return key;
}
