import { element, frame, prose, table } from './element.js';
import { fieldRows, resolve, typeOf } from './schema.js';

const ADVICE = {
  none: 'Nothing.',
  stop: 'Stop: trying again would end the same way.',
  back_off: 'Wait a little longer each time, then come again.',
  after_ms: 'Come again after the `afterMs` of `sys.reconnect`.',
  new_token: 'Come again with a new token.',
};

const LIMITS = {
  subprotocol: 'The subprotocol that is selected where it is offered',
  typeCharacters: 'Characters of a `type`',
  receiverCharacters: 'Characters of a `receiver`',
  idCharacters: 'Characters of an `id`',
  defaultPage: 'Sessions on a page of `sys.sessions`, where nothing is said',
  maxPage: 'Sessions on a page of `sys.sessions` at most',
  waitingCalls: 'Handled messages of one session that may wait',
  fragments: 'Fragments of one message',
  maxMessageBytes: 'Bytes of one message',
  heartbeatMs: 'Milliseconds between two pings',
  messagesPerSecond: 'Messages a second of one session; 0 is no limit',
  bytesPerSecond: 'Bytes a second of one session; 0 is no limit',
  handlerTimeoutMs: 'Milliseconds that a handler may take',
};

/** The parts of the page, in order: each an id, a heading, and what stands below it. */
export function sections(document) {
  const { messages } = document.components;
  const keys = Object.keys(messages);
  const tagged = (tag) => keys.filter((key) => messages[key].tags[0].name === tag);
  const handlers = tagged('handler').filter((key) => !key.endsWith('.answer'));
  return [
    section('connect', 'Connect', connecting(document)),
    section('say', 'What you may say', [
      ...prose('One text frame is one JSON object. With an `id` you get exactly one answer that bears it as `ref`.'),
      ...tagged('client').map((key) => word(key, document)),
    ]),
    section('handlers', 'What handlers take', [
      handlers.length === 0 ? 'No handler claims a word.' : 'Words of this application that its own code answers.',
      ...handlers.map((key) => word(key, document)),
    ]),
    section('hear', 'What you are told', [
      ...prose('`sender` is always written by the server: nobody can speak as another session.'),
      ...tagged('server').map((key) => word(key, document)),
      ...tagged('application').map((key) => word(key, document)),
    ]),
    section('errors', 'Errors', [
      ...prose('In the `data` of `sys.error`. The connection stays open; a handler may have codes of its own.'),
      table(
        'Table of errors',
        ['Code', 'Means'],
        codes(document['x-errors'], (text) => [prose(text)]),
      ),
    ]),
    section('close-codes', 'Close codes', [
      table(
        'Table of close codes',
        ['Code', 'Reason', 'When', 'What to do'],
        codes(document['x-close-codes'], ({ reason, when, advice }) => [
          reason ? element('code', {}, reason) : '–',
          prose(when),
          prose(ADVICE[advice] ?? advice),
        ]),
      ),
    ]),
    section('limits', 'Limits of this server', [
      table(
        'Table of limits',
        ['What', 'How much'],
        Object.entries(document['x-limits']).map(([name, value]) => [
          prose(LIMITS[name] ?? name),
          typeof value === 'number' ? value.toLocaleString('en') : element('code', {}, value),
        ]),
      ),
    ]),
  ];
}

function section(id, title, content) {
  const lead = content.findIndex((part) => part instanceof Element && part.tagName !== 'CODE');
  const words = lead === -1 ? content : content.slice(0, lead);
  const rest = lead === -1 ? [] : content.slice(lead);
  const parts = [element('h2', { id: `${id}-title` }, title)];
  if (words.length > 0) parts.push(element('p', { class: 'lead' }, ...words));
  return { id, title, body: element('section', { id, 'aria-labelledby': `${id}-title` }, ...parts, ...rest) };
}

function connecting(document) {
  const [channel] = Object.values(document.channels);
  const address = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${channel.address}`;
  const code = `const socket = new WebSocket('${address}');\nsocket.onmessage = ({ data }) => console.log(JSON.parse(data));`;
  const schemes = Object.values(document.components.securitySchemes ?? {});
  return [
    ...prose(channel.description),
    element('p', { class: 'address' }, element('code', {}, address)),
    element('pre', { tabindex: '0', 'aria-label': 'Connecting in a browser' }, element('code', {}, code)),
    element('p', {}, proof(document)),
    schemes.length === 0
      ? ''
      : element(
          'ul',
          { class: 'schemes' },
          ...schemes.map(({ description }) => element('li', {}, ...prose(description))),
        ),
    element('h3', {}, 'Refused before the upgrade'),
    table(
      'Table of refusals',
      ['Code', 'Status', 'When'],
      codes(document['x-refusals'], ({ status, text }) => [String(status), prose(text)]),
    ),
  ];
}

/** One word: what it is for, the fields of its data, and a frame to paste. */
function word(key, document) {
  const message = document.components.messages[key];
  const { properties } = message.payload;
  const id = `word-${key}`;
  const fixed = properties.type.const !== undefined;
  const parts = [
    element('h3', { id }, fixed ? element('code', {}, message.name) : message.title),
    element('p', {}, ...prose(message.summary)),
    fixed
      ? dataOf(message, document)
      : table(`Fields of ${message.title}`, HEADS, fieldRows(message.payload, document)),
    ...(message.examples ?? []).map(({ name, payload }) => frame(payload, `Example of ${name ?? message.title}`)),
  ];
  const answers = answersOf(key, document);
  if (answers.length > 0) parts.push(element('p', { class: 'answers' }, 'Answered by ', ...answers));
  return element('article', { class: 'word', 'aria-labelledby': id }, ...parts);
}

const HEADS = ['Field', 'Is', 'Meaning'];

function dataOf({ name, payload }, document) {
  const data = resolve(payload.properties.data ?? {}, document);
  if (payload.properties.data === undefined)
    return element('p', { class: 'none' }, 'It has no ', element('code', {}, 'data'), '.');
  const always = payload.required.includes('data') ? '' : ' It may be absent.';
  const rows = fieldRows(data, document);
  if (rows.length > 0)
    return element(
      'div',
      {},
      ...(always ? [element('p', { class: 'none' }, 'All of ', element('code', {}, 'data'), ' may be absent.')] : []),
      table(`Data of ${name}`, HEADS, rows),
    );
  return element('p', { class: 'none' }, element('code', {}, 'data'), ': ', typeOf(data, document), '.', always);
}

/** What closes an exchange; what a handler answers before that, under its own word or another, is its own affair. */
function answersOf(key, { operations, components }) {
  const { reply } = operations[`receive.${key}`] ?? {};
  const names = (reply?.messages ?? []).map(({ $ref }) => $ref.split('/').pop());
  const closing = names.filter((name) => components.messages[name].tags[0].name === 'server');
  const links = closing.flatMap((name, index) => [
    index === 0 ? '' : ' or ',
    element('a', { href: `#word-${name}` }, element('code', {}, name)),
  ]);
  return closing.length < names.length ? [...links, ', after what the handler itself may say'] : links;
}

/** The server says behind the place of its address whether it asks for a token. */
function proof({ servers, components }) {
  if (components.securitySchemes === undefined) return 'No token is asked for.';
  const [{ description }] = Object.values(servers);
  return description.replace(/^[^.]*\.\s*/, '') || 'A certificate is required.';
}

function codes(rows, cells) {
  return Object.entries(rows).map(([code, row]) => [element('code', {}, code), ...cells(row)]);
}
