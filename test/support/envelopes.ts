import { hostileValue, oddSpaces, plainValue, spaces } from './json-texts.js';
import type { Random } from './random.js';

export type EnvelopeKind = 'plain' | 'near' | 'mutated' | 'hostile' | 'long';

/** A generated message: its bytes, not necessarily UTF-8, and its kind. */
export interface GeneratedEnvelope {
  readonly kind: EnvelopeKind;
  readonly bytes: Buffer;
}

/** Receivers of generated messages, in addition to unknown ids. */
export interface Addresses {
  readonly receivers: readonly string[];
}

const NOWHERE: Addresses = {
  receivers: ['aaaaaaaa.bbbbbbbbbbbbbbbb', '*', 'x', 'ABC~!#$%&()', '#garden', '@ann', '@a@b.example'],
};
/** Receivers that begin like users and rooms, as they stand in a message. */
export const GROUP_WORDS = [
  '#garden',
  '#a.b:c_d-e',
  '#',
  '##',
  '#a b',
  '#gärten',
  '#gar\\u0064en',
  '\\u0023garden',
  '@ann',
  '@',
  '@@',
  '@zoë',
  '@zo\\u00eb',
  '@漢字',
  '@💩',
  '@\\ud83d\\udca9',
  '@\\ud800',
  '\\u0040ann',
  '@it\\"s',
  '@a\\\\b',
  '@a\\nb',
  '@a\u007fb',
  '@ ',
  '@a\tb',
];
const TYPES = ['a', 'chat', 'offer', 'x.y:z_-', 'demo.sums', 'sys', 'sysx.a', 'SYS.a'];
const BAD_TYPES = ['"sys.ping"', '"sys.who"', '"sys."', '"sys.auth"', '""', '"ä"', '"a b"', '"a/b"', '1', 'null', '[]'];
const EDGES = [1, 2, 62, 63, 64, 65, 127, 128, 129, 130];
const ID_WORDS = ['1', 'm-17', '~ !#', 'ä', '💩', '\\n', 'it\\"s', '\\u0041', '\u007f', '️'];
const BAD_MEMBERS = [
  '"ref":"r"',
  '"sender":"me"',
  '"sender":1',
  '"s\\u0065nder":"me"',
  '"t\\u0079pe":"a"',
  '"rec\\u0065iver":"x"',
  '"":1',
  '"__proto__":{"type":"a"}',
  '"constructor":1',
  '"Type":"a"',
  '"types":"a"',
  '"typ":"a"',
  '"dat":1',
  '"data ":1',
  '"i\\u0064":"1"',
  '"id":null',
  '"id":7',
  '"id":""',
  '"receiver":null',
  '"receiver":""',
  '"receiver":{}',
  '"type":"b"',
  '"id":"2"',
  '"data":0',
  '"receiver":"y"',
  // As long as a session's id.
  '"receiver":"aaaaaaaa.bbbbbbbbb\\u0041b"',
  '"receiver":"aaaaaaaa.bbbbbbbbbbbb\\"bb"',
  '"receiver":"aaaaaaaa.bbbbbbbbbbbbbb\u007fb"',
  '"receiver":"aaaaaaaa.bbbbbbbbbbbbbb\tb"',
  '"receiver":"aaaaaaaa.bbbbbbbbbbbbbbéb"',
];
const TAILS = ['}', ',', ' x', '\0', '{}', '\u00a0', '\v', '\f', '\u2028', '\ufeff', '"', ' ', '\n\t\r '];
/** Bytes with a meaning in JSON, or invalid in UTF-8. */
const LOADED_BYTES = [
  ...Buffer.from('{}[]":,\\0123456789-+.eEtrufalsn \t\n\r/'),
  0,
  1,
  0x1f,
  0x7f,
  0x80,
  0xc0,
  0xed,
  0xf5,
  0xff,
];

/** Makes one message of a random kind; about half of them are plain and valid. */
export function anyEnvelope(random: Random, to: Addresses = NOWHERE): GeneratedEnvelope {
  switch (random.below(10)) {
    case 0:
    case 1:
      return { kind: 'near', bytes: Buffer.from(nearEnvelope(random, to)) };
    case 2:
    case 3:
      return { kind: 'mutated', bytes: mutatedEnvelope(random, to) };
    case 4:
      return { kind: 'hostile', bytes: Buffer.from(hostileEnvelope(random, to)) };
    case 5:
      return { kind: 'long', bytes: longEnvelope(random, to) };
    default:
      return { kind: 'plain', bytes: Buffer.from(plainEnvelope(random, to)) };
  }
}

/** Generates a valid message, with or without white space. */
export function plainEnvelope(random: Random, to: Addresses = NOWHERE): string {
  const members = [`"type":"${random.pick(TYPES)}"`, `"receiver":"${random.pick(to.receivers)}"`];
  if (random.once(2)) members.push(`"id":"${random.below(1e6)}"`);
  if (!random.once(8)) members.push(`"data":${plainValue(random, random.below(4))}`);
  if (random.once(3)) random.shuffle(members);
  return join(random, members, random.once(6) ? spaces : undefined);
}

/** Generates a borderline message: lengths at their bounds, duplicate fields, escaped keys, types of the server. */
function nearEnvelope(random: Random, to: Addresses): string {
  const type = random.once(3) ? random.pick(BAD_TYPES) : `"${sized(random, 'tY9._:-')}"`;
  const members = random.once(12) ? [] : [`"type":${type}`];
  if (!random.once(4)) members.push(`"receiver":"${random.pick([nearReceiver(random), random.pick(to.receivers)])}"`);
  if (random.once(2)) members.push(`"id":"${random.once(2) ? sized(random, 'i7-') : random.pick(ID_WORDS)}"`);
  if (random.once(2)) members.push(`"data":${plainValue(random, 2)}`);
  if (random.once(2)) members.push(random.pick(BAD_MEMBERS));
  if (random.once(20)) members.push('');
  random.shuffle(members);
  const text = join(random, members, random.once(4) ? oddSpaces : undefined);
  if (random.once(12)) return random.pick(['\ufeff', ' ', '\n', '\0', '\u00a0', '[', '"', 'null', '1']) + text;
  return random.once(6) ? text + random.pick(TAILS) : text;
}

function nearReceiver(random: Random): string {
  switch (random.below(4)) {
    case 0:
      return random.pick(GROUP_WORDS);
    case 1:
      return random.pick(['@', '#']) + sized(random, random.pick(['gY9._:-', 'r*@#~']));
    case 2:
      return `@${'💩'.repeat(random.pick(EDGES))}`;
    default:
      return sized(random, 'r*@#~');
  }
}

function hostileEnvelope(random: Random, to: Addresses): string {
  const members = [`"type":"a"`, `"receiver":"${random.pick(to.receivers)}"`, `"data":${hostileValue(random)}`];
  if (random.once(4)) random.shuffle(members);
  return join(random, members, random.once(4) ? oddSpaces : undefined);
}

/** Generates a long string that begins at any alignment and has special bytes at any position. */
function longEnvelope(random: Random, to: Addresses): Buffer {
  const length = random.once(20) ? random.between(500, 2000) : random.between(0, 110);
  const body = Buffer.alloc(length, random.pick(['x', '~', ' ', '!']));
  const specials = length === 0 ? 0 : random.below(4);
  for (let count = 0; count < specials; count++) {
    const special = random.pick([
      '"',
      '\\',
      '\\"',
      '\\\\',
      '\\u12aF',
      '\\u12g4',
      '\\x',
      '\x1f',
      '\0',
      '\n',
      '\x7f',
      'é',
      '💩',
    ]);
    body.write(special, random.below(length));
    if (random.once(8)) body[random.below(length)] = random.pick(LOADED_BYTES);
  }
  const before = ' '.repeat(random.below(5));
  const text = `{"type":"a","receiver":"${random.pick(to.receivers)}",${before}"data":"`;
  return Buffer.concat([Buffer.from(text), body, Buffer.from(random.once(2) ? '"}' : `","id":"${random.below(99)}"}`)]);
}

/**
 * Generates a valid message and changes a few bytes. The result must not depend on the characters of an id. So no id
 * is inserted after a backslash, where its first character might form an escape.
 */
function mutatedEnvelope(random: Random, { receivers }: Addresses): Buffer {
  const places = receivers.map((_, index) => `@${index}`.padEnd(25, '_'));
  const bytes = mutate(random, Buffer.from(plainEnvelope(random, { receivers: places })));
  return Buffer.from(
    bytes.toString('latin1').replace(/(?<!\\)@(\d)_{23}/g, (_, index: string) => receivers[Number(index)]!),
    'latin1',
  );
}

/** Changes a few bytes: replaces, removes, inserts, repeats, truncates or appends. */
function mutate(random: Random, bytes: Buffer): Buffer {
  for (let times = random.between(1, 3); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const loaded = Buffer.from([random.once(4) ? random.below(256) : random.pick(LOADED_BYTES)]);
    const skipped = random.pick([0, 0, 1, 1, 1, 2, bytes.length]);
    bytes = Buffer.concat([
      bytes.subarray(0, at),
      random.once(4) ? Buffer.alloc(0) : loaded,
      bytes.subarray(at + skipped),
    ]);
  }
  return bytes;
}

function sized(random: Random, alphabet: string): string {
  const length = random.once(2) ? random.pick(EDGES) : random.between(1, 20);
  let text = '';
  while (text.length < length) text += alphabet[random.below(alphabet.length)]!;
  return text;
}

function join(random: Random, members: readonly string[], gap?: (random: Random) => string): string {
  if (gap === undefined) return `{${members.join(',')}}`;
  const padded = members.map((member) => {
    const [, key, value] = /^("[a-z]+"):([^]*)$/.exec(member) ?? [];
    const inner = key === undefined ? member : `${key}${gap(random)}:${gap(random)}${value}`;
    return `${gap(random)}${inner}${gap(random)}`;
  });
  return `{${padded.join(',')}}${random.once(4) ? gap(random) : ''}`;
}
