import {
  BYTES_PER_FRAGMENT,
  SYSTEM_REQUESTS,
  CLOSE_CODES,
  DEFAULT_PAGE,
  ERRORS,
  FREE_FRAGMENTS,
  MAX_ID_CHARACTERS,
  MAX_PAGE,
  MAX_RECEIVER_CHARACTERS,
  MAX_TYPE_CHARACTERS,
  MAX_WAITING_CALLS,
  PROTOCOL_VERSION,
  HANDSHAKE_REJECTIONS,
  RESUME,
  SEEN_BYTES,
  SEEN_FRAMES,
  SEEN_MS,
  SERVER_MESSAGES,
  SUBPROTOCOL,
  type ServerMessageMap,
} from '../../protocol/index.js';
import type { EmittedType } from '../../messaging/reserved-types.js';
import type { Settings } from '../../settings/settings.js';
import type { HandlerDescriptor } from './handler-descriptors.js';
import { Messages, type Message } from './messages.js';
import { SchemaRegistry } from './schema-registry.js';
import { describeServers } from './security.js';

const CHANNEL = 'wss';
const RESUME_HEADER = 'Switchboard-Resume';
const SERVER_TYPES: readonly (keyof ServerMessageMap)[] = Object.keys(SERVER_MESSAGES) as (keyof ServerMessageMap)[];

interface Reference {
  readonly $ref: string;
}

/** Makes the AsyncAPI 3.0 document of the protocol from the tables and classes that the server itself uses. */
export function asyncApi(
  settings: Settings,
  handlers: readonly HandlerDescriptor[],
  emitted: readonly EmittedType[],
): object {
  const schemas = new SchemaRegistry();
  const messages = new Messages(schemas);
  const all = new Map<string, Message>();
  const operations: Record<string, object> = {};
  const references = (keys: readonly string[]): Reference[] => keys.map(inChannel);

  const receive = (key: string, message: Message, answers: readonly string[]): void => {
    all.set(key, message);
    operations[`receive.${key}`] = {
      action: 'receive',
      channel: { $ref: `#/channels/${CHANNEL}` },
      summary: message.summary,
      messages: references([key]),
      reply: { channel: { $ref: `#/channels/${CHANNEL}` }, messages: references([...answers, 'sys.error']) },
    };
  };

  for (const type of SERVER_TYPES) all.set(type, messages.ofServer(type));
  all.set('from-session', messages.fromSession());
  all.set('from-server', messages.fromServer());
  receive('message', messages.routed(), ['sys.ack']);
  for (const type of Object.keys(SYSTEM_REQUESTS) as (keyof typeof SYSTEM_REQUESTS)[])
    receive(all.has(type) ? `${type}.request` : type, messages.systemRequest(type), SYSTEM_REQUESTS[type].answers);
  for (const handler of handlers) {
    const key = unusedKey(all, handler.type);
    const answers = handler.answers.count === 'none' ? [] : [`${key}.answer`];
    for (const answer of answers) all.set(answer, messages.handlerAnswer(handler));
    receive(key, messages.handlerRequest(handler), [...answers, 'sys.ack']);
  }
  const emittedKeys = emitted.map((each) => {
    const key = unusedKey(all, each.type);
    all.set(key, messages.emitted(each));
    return key;
  });
  operations['send'] = {
    action: 'send',
    channel: { $ref: `#/channels/${CHANNEL}` },
    summary: 'Messages that the server sends without a request.',
    messages: references([...SERVER_TYPES, 'from-session', 'from-server', ...emittedKeys]),
  };

  const { servers, securitySchemes } = describeServers(settings);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Switchboard',
      version: String(PROTOCOL_VERSION),
      description:
        'Every text frame is one JSON object, the envelope. Its receiver is a session, a user, a room or all sessions.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers,
    channels: { [CHANNEL]: channel(settings, [...all.keys()]) },
    operations,
    components: { messages: Object.fromEntries(all), schemas: schemas.byName, ...securitySchemes },
    'x-errors': ERRORS,
    'x-close-codes': CLOSE_CODES,
    'x-refusals': HANDSHAKE_REJECTIONS,
    'x-limits': limits(settings),
  };
}

function channel({ wsPath, wsReference }: Settings, keys: readonly string[]): object {
  return {
    address: wsPath,
    'x-reference': wsReference, // relative to the address of the document
    title: 'WebSocket',
    description: 'A trailing slash and a query are allowed. The first frame of the server is `sys.welcome`.',
    messages: Object.fromEntries(keys.map((key) => [key, { $ref: `#/components/messages/${key}` }])),
    bindings: { ws: { method: 'GET', headers: handshakeHeaders(), bindingVersion: '0.1.0' } },
  };
}

function handshakeHeaders(): object {
  const offered = `Optional. \`${SUBPROTOCOL}\` is selected where it is offered; \`bearer.TOKEN\` carries a token, \`${RESUME}\` asks for a session that resumes, \`${RESUME}.TOKEN.FRAMES\` returns to it.`;
  const resume = `Optional, in place of the subprotocol: \`new\`, or \`TOKEN.FRAMES\` for a return.`;
  return {
    type: 'object',
    properties: {
      'Sec-WebSocket-Protocol': { type: 'string', description: offered, examples: [SUBPROTOCOL] },
      [RESUME_HEADER]: { type: 'string', description: resume, examples: ['new'] },
    },
  };
}

function limits({
  maxMessageBytes,
  heartbeatMs,
  messagesPerSecond,
  bytesPerSecond,
  handlerTimeoutMs,
  maxRoomsPerSession,
  maxWatchesPerSession,
  roomNoticeLimit,
  resumeWindowMs,
  resumeBytes,
  awayNoticeMs,
}: Settings): object {
  return {
    subprotocol: SUBPROTOCOL,
    typeCharacters: MAX_TYPE_CHARACTERS,
    receiverCharacters: MAX_RECEIVER_CHARACTERS,
    idCharacters: MAX_ID_CHARACTERS,
    defaultPage: DEFAULT_PAGE,
    maxPage: MAX_PAGE,
    waitingCalls: MAX_WAITING_CALLS,
    fragments: FREE_FRAGMENTS,
    bytesPerFurtherFragment: BYTES_PER_FRAGMENT,
    maxMessageBytes,
    heartbeatMs,
    messagesPerSecond,
    bytesPerSecond,
    handlerTimeoutMs,
    maxRoomsPerSession,
    maxWatchesPerSession,
    roomNoticeLimit,
    resumeWindowMs,
    resumeBytes,
    awayNoticeMs,
    seenFrames: SEEN_FRAMES,
    seenBytes: SEEN_BYTES,
    seenMs: SEEN_MS,
  };
}

function inChannel(key: string): Reference {
  return { $ref: `#/channels/${CHANNEL}/messages/${key}` };
}

/** Makes a key of a type. A key has no colon, so that two types may need different suffixes. */
function unusedKey(taken: ReadonlyMap<string, Message>, type: string): string {
  const plain = type.replaceAll(':', '-');
  let key = plain;
  for (let count = 2; taken.has(key); count++) key = `${plain}-${count}`;
  return key;
}
