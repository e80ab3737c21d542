import { createElement, createFrame, createTable, prose } from './element.js';
import { fieldRows, resolve, typeOf } from './schema.js';

const FIELD_HEADINGS = ['Field', 'Type', 'Description'];

const CLOSE_ADVICE = {
  none: 'Nothing.',
  stop: 'Do not reconnect: the server would close the connection again.',
  back_off: 'Reconnect, with a longer wait after each failure.',
  after_ms: 'Reconnect after the `afterMs` of `sys.reconnect`.',
  new_token: 'Reconnect with a new token.',
};

const LIMITS = {
  subprotocol: 'Subprotocol that the server selects if the client offers it',
  typeCharacters: 'Characters in `type`',
  receiverCharacters: 'Characters in `receiver`',
  idCharacters: 'Characters in `id`',
  defaultPage: 'Sessions in a page of `sys.sessions` and `sys.members`, by default',
  maxPage: 'Sessions in a page of `sys.sessions` and `sys.members`, maximum',
  waitingCalls: 'Messages of one session that may wait for handlers',
  fragments: 'Fragments in a message that may be of any size',
  bytesPerFurtherFragment: 'Bytes that a message must bring before each further fragment',
  maxMessageBytes: 'Bytes in a message',
  heartbeatMs: 'Milliseconds between two pings',
  messagesPerSecond: 'Messages per second of one session; 0 is unlimited',
  bytesPerSecond: 'Bytes per second of one session; 0 is unlimited',
  handlerTimeoutMs: 'Milliseconds that a handler may take',
  maxRoomsPerSession: 'Rooms that a session may be a member of',
  maxWatchesPerSession: 'Users that a session may watch',
  roomNoticeLimit: 'Members of a room above which `sys.room` replaces `sys.joined` and `sys.left`',
  resumeWindowMs: 'Milliseconds for which a session waits for its client; 0: no session resumes',
  resumeBytes: 'Bytes that are kept for a session that is away',
  awayNoticeMs: 'Milliseconds after which others get `sys.away`; 0 is never',
  seenFrames: 'Frames after which each side sends `sys.seen`, where the session resumes',
  seenBytes: 'Bytes after which each side sends `sys.seen`',
  seenMs: 'Milliseconds after which each side sends `sys.seen`, with something new',
};

/** Creates the sections of the page: each has an id, a title and the element `body`. */
export function createSections(asyncApi) {
  const { messages } = asyncApi.components;
  const keys = Object.keys(messages);
  const tagged = (tag) => keys.filter((key) => messages[key].tags[0].name === tag);
  const articles = (tag) => tagged(tag).map((key) => createMessage(key, asyncApi));
  const handlers = tagged('handler').filter((key) => !key.endsWith('.answer'));
  return [
    createSection('connect', 'Connecting', connecting(asyncApi)),
    createSection('client-messages', 'Messages from the client', [
      ...prose(
        'Each text frame is one JSON object. The server answers a message that has an `id`, with that `id` as `ref`.',
      ),
      ...articles('client'),
    ]),
    createSection('handlers', 'Handlers', [
      handlers.length === 0 ? 'This server has no handlers.' : 'Messages that the code of this application handles.',
      ...handlers.map((key) => createMessage(key, asyncApi)),
    ]),
    createSection('server-messages', 'Messages from the server', [
      ...prose('The server writes `sender`, so that no session can send as another session.'),
      ...articles('server'),
      ...articles('application'),
    ]),
    createSection('errors', 'Errors', [
      ...prose('Codes in the `data` of `sys.error`. The connection stays open. Handlers may have further codes.'),
      createTable(
        'Table of errors',
        ['Code', 'Meaning'],
        codeRows(asyncApi['x-errors'], (text) => [prose(text)]),
      ),
    ]),
    createSection('close-codes', 'Close codes', [
      createTable(
        'Table of close codes',
        ['Code', 'Reason', 'When', 'What the client should do'],
        codeRows(asyncApi['x-close-codes'], ({ reason, when, advice }) => [
          reason ? createElement('code', {}, reason) : '–',
          prose(when),
          prose(CLOSE_ADVICE[advice] ?? advice),
        ]),
      ),
    ]),
    createSection('limits', 'Limits', [
      createTable(
        'Table of limits',
        ['Limit', 'Value'],
        Object.entries(asyncApi['x-limits']).map(([name, value]) => [
          prose(LIMITS[name] ?? name),
          typeof value === 'number' ? value.toLocaleString('en') : createElement('code', {}, value),
        ]),
      ),
    ]),
  ];
}

/** Text and code before the first other element become the section's introduction. */
function createSection(id, title, content) {
  const end = content.findIndex((child) => child instanceof Element && child.tagName !== 'CODE');
  const introduction = end === -1 ? content : content.slice(0, end);
  const rest = end === -1 ? [] : content.slice(end);
  const children = [createElement('h2', { id: `${id}-title` }, title)];
  if (introduction.length > 0) children.push(createElement('p', { class: 'introduction' }, ...introduction));
  return { id, title, body: createElement('section', { id, 'aria-labelledby': `${id}-title` }, ...children, ...rest) };
}

function connecting(asyncApi) {
  const [channel] = Object.values(asyncApi.channels);
  const { href: url } = new URL(channel['x-reference'], location.href.replace(/^http/, 'ws'));
  const code = `const socket = new WebSocket('${url}');\nsocket.onmessage = ({ data }) => console.log(JSON.parse(data));`;
  const schemes = Object.values(asyncApi.components.securitySchemes ?? {}).map(({ description }) =>
    createElement('li', {}, ...prose(description)),
  );
  return [
    ...prose(channel.description),
    createElement('p', { class: 'address' }, createElement('code', {}, url)),
    createElement('pre', { tabindex: '0', 'aria-label': 'Connecting in a browser' }, createElement('code', {}, code)),
    createElement('p', {}, authentication(asyncApi)),
    schemes.length === 0 ? '' : createElement('ul', { class: 'schemes' }, ...schemes),
    createElement('h3', {}, 'Rejected handshakes'),
    createTable(
      'Table of rejected handshakes',
      ['Code', 'Status', 'When'],
      codeRows(asyncApi['x-refusals'], ({ status, statuses = [status], text }) => [statuses.join(', '), prose(text)]),
    ),
  ];
}

/** Creates the article of a message: its summary, the fields of `data`, and an example to copy. */
function createMessage(key, asyncApi) {
  const message = asyncApi.components.messages[key];
  const { properties } = message.payload;
  const id = `message-${key}`;
  const hasFixedType = properties.type.const !== undefined;
  const children = [
    createElement('h3', { id }, hasFixedType ? createElement('code', {}, message.name) : message.title),
    createElement('p', {}, ...prose(message.summary)),
    hasFixedType ? createReceiver(message.payload) : '',
    hasFixedType
      ? createData(key, message, asyncApi)
      : createTable(`Fields of ${message.title}`, FIELD_HEADINGS, fieldRows(message.payload, asyncApi)),
    ...(message.examples ?? []).map(({ name, payload }) => createFrame(payload, `Example of ${name ?? message.title}`)),
  ];
  const answers = answersOf(key, asyncApi);
  if (answers.length > 0) children.push(createElement('p', { class: 'answers' }, 'Answered by ', ...answers));
  return createElement('article', { class: 'message', 'aria-labelledby': id }, ...children);
}

/** Describes the receiver that a request must have. */
function createReceiver({ properties, required }) {
  if (!required.includes('receiver') || properties.receiver.description === undefined) return '';
  return createElement(
    'p',
    { class: 'note' },
    createElement('code', {}, 'receiver'),
    ': ',
    ...prose(properties.receiver.description),
  );
}

/** Creates the table of `data`. Its name is the key of the message, because a type may go both ways. */
function createData(key, { payload }, asyncApi) {
  const { data: schema } = payload.properties;
  const data = createElement('code', {}, 'data');
  if (schema === undefined) return createElement('p', { class: 'note' }, 'No ', data, '.');
  const optional = !payload.required.includes('data');
  const rows = fieldRows(resolve(schema, asyncApi), asyncApi);
  if (rows.length === 0)
    return createElement('p', { class: 'note' }, data, ': ', typeOf(schema, asyncApi), optional ? ' (optional).' : '.');
  const note = optional ? [createElement('p', { class: 'note' }, data, ' is optional.')] : [];
  return createElement('div', {}, ...note, createTable(`Data of ${key}`, FIELD_HEADINGS, rows));
}

/** Links the system messages that end an exchange. A handler may send other messages before. */
function answersOf(key, { operations, components }) {
  const { reply } = operations[`receive.${key}`] ?? {};
  const names = (reply?.messages ?? []).map(({ $ref }) => $ref.split('/').pop());
  const closing = names.filter((name) => components.messages[name].tags[0].name === 'server');
  const links = closing.flatMap((name, index) => [
    index === 0 ? '' : ' or ',
    createElement('a', { href: `#message-${name}` }, createElement('code', {}, name)),
  ]);
  return closing.length < names.length ? [...links, ', after the messages that the handler returns'] : links;
}

/** Takes what the description of the server says after its first sentence: whether a token is required. */
function authentication({ servers, components }) {
  if (components.securitySchemes === undefined) return 'No token is required.';
  const [{ description }] = Object.values(servers);
  return description.replace(/^[^.]*\.\s*/, '') || 'A client certificate is required.';
}

function codeRows(codes, cells) {
  return Object.entries(codes).map(([code, value]) => [createElement('code', {}, code), ...cells(value)]);
}
