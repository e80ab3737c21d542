import type { Random } from './random.js';

const STRINGS = [
  '""',
  '"hello"',
  '"a b"',
  '"\\n\\t\\r\\b\\f\\/\\\\\\""',
  '"\\ud83d\\udca9"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"é"',
  '"漢字"',
  '"💩"',
  '"\\u0000"',
  '"\u007f"',
  '"\u2028"',
  '"\ufeff"',
  '"}"',
  '"]{,:"',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '1.5',
  '0.1',
  '1e5',
  '1E+5',
  '1e-5',
  '12345678901234567890',
  '1e999',
  '-1.0E-0',
  '0e0',
  '9'.repeat(60),
];
const LITERALS = ['true', 'false', 'null'];
const KEYS = ['"a"', '""', '"__proto__"', '"type"', '"sender"', '"a\\"b"', '"\\u0061"', '"ключ"', '"constructor"'];
const BROKEN = [
  '01',
  '-01',
  '1.',
  '.1',
  '-',
  '+1',
  '1e',
  '1e+',
  '1E-',
  '--1',
  '0x1',
  '1_0',
  '1..2',
  '1e1.5',
  '00',
  '- 1',
  'NaN',
  'Infinity',
  '-Infinity',
  'tru',
  'truee',
  'True',
  'nul',
  'nulll',
  'fals',
  'undefined',
  "'a'",
  '"',
  '"a',
  '"\\',
  '"\\"',
  '"\\x"',
  '"\\u12"',
  '"\\u12G4"',
  '"\\u 123"',
  '"\x00"',
  '"\x1f"',
  '"\n"',
  '"\t"',
  '[',
  ']',
  '{',
  '}',
  '[}',
  '{]',
  '[1,]',
  '[,1]',
  '[1 2]',
  '{,}',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{a:1}',
  '{1:1}',
  '{"a" 1}',
  '{"a":1 "b":2}',
  '{"a"::1}',
  '[1],',
  '//',
  '/**/1',
  '1 2',
  '"a" "b"',
  '',
  ' ',
  ',',
  ':',
  '\\u0031',
  '\u00a01',
  '1\u00a0',
  '\v1',
  '1\f',
  '\u20281',
  '\ufeff1',
];
const SPACES = ['', '', '', ' ', '\n', '\t', '\r', ' \n ', '\r\n\t '];
const NO_SPACES = ['\u00a0', '\v', '\f', '\u2028', '\u3000', '\ufeff', '\0', '\u0085', '\\n'];
/** Depths around the limit of the scanner, and far beyond. */
const DEPTHS = [1, 2, 28, 29, 30, 31, 32, 33, 62, 63, 64, 65, 100, 300];

/** Generates a valid JSON value. */
export function plainValue(random: Random, depth: number): string {
  switch (random.below(depth > 0 ? 6 : 4)) {
    case 0:
      return random.pick(STRINGS);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return random.once(2) ? random.pick(LITERALS) : String(random.next() - 2 ** 31);
    case 3:
      return `"${'abcdefgh'.repeat(random.below(20)).slice(random.below(8))}"`;
    case 4:
      return `[${list(random, () => plainValue(random, depth - 1))}]`;
    default:
      return `{${list(random, () => `${random.pick(KEYS)}${spaces(random)}:${spaces(random)}${plainValue(random, depth - 1)}`)}}`;
  }
}

/** Generates an invalid or deeply nested value. */
export function hostileValue(random: Random): string {
  const core = random.once(3) ? plainValue(random, 1) : random.pick(BROKEN);
  if (random.once(3)) return core;
  return nested(random, random.once(3) ? random.between(1, 3) : random.pick(DEPTHS), core);
}

function nested(random: Random, depth: number, core: string): string {
  let opening = '';
  let closing = '';
  for (let level = 0; level < depth; level++) {
    const array = random.once(2);
    opening += array ? '[' : '{"k":';
    closing = (array ? ']' : '}') + closing;
  }
  const spoilt = random.once(12) ? closing.slice(1) : random.once(12) ? `${closing}]` : closing;
  return opening + core + spoilt;
}

/** Generates white space of JSON. */
export function spaces(random: Random): string {
  return random.pick(SPACES);
}

/** Generates white space, sometimes of characters that JSON does not allow. */
export function oddSpaces(random: Random): string {
  return random.pick(random.once(30) ? NO_SPACES : SPACES);
}

function list(random: Random, item: () => string): string {
  const items: string[] = [];
  for (let count = random.below(4); count > 0; count--) items.push(spaces(random) + item() + spaces(random));
  return items.join(',');
}
