import { describe, expect, it } from 'vitest';
import { topLevelProperties } from '../../src/protocol/json-properties.js';

describe('topLevelProperties', () => {
  const pairs = (text: string): [string, string][] => topLevelProperties(text).map(({ key, value }) => [key, value]);

  it.each(['{}', ' { } ', '{\n\t}'])('returns nothing for %j', (text) => {
    expect(topLevelProperties(text)).toEqual([]);
  });

  it('keeps the order of the text and the raw values', () => {
    expect(pairs('{"b":1e400,"a":-0.0,"c":123456789012345678901234567890,"d":"\\u00e9\\/"}')).toEqual([
      ['b', '1e400'],
      ['a', '-0.0'],
      ['c', '123456789012345678901234567890'],
      ['d', '"\\u00e9\\/"'],
    ]);
  });

  it('lists repeated keys each time', () => {
    expect(pairs('{"a":1,"a":2,"\\u0061":3}')).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['a', '3'],
    ]);
  });

  it.each([
    ['{"a":{"b":{"c":[1,{"d":2}]}},"e":[]}', ['a', 'e']],
    ['{"a":"}","b":"]","c":"{[","d":"\\"}"}', ['a', 'b', 'c', 'd']],
    ['{"a":["}","\\"",{"]":"{"}],"b":{"[":"]"}}', ['a', 'b']],
    ['{"a":"\\\\","b":"\\\\\\"","c":[]}', ['a', 'b', 'c']],
    ['{"":"","{":1,":":2,",":3,"\\"":4}', ['', '{', ':', ',', '"']],
    ['{"a":true,"b":false,"c":null}', ['a', 'b', 'c']],
    ['{"__proto__":1,"constructor":{}}', ['__proto__', 'constructor']],
    ['{"\\u007b":1,"\\ud83d\\ude00":2}', ['{', '\u{1f600}']],
  ])('lists the top level of %s only', (text, keys) => {
    expect(topLevelProperties(text).map(({ key }) => key)).toEqual(keys);
  });

  it('accepts white space anywhere', () => {
    const text = '\r\n{ "a"\t:\n1 ,\r"b" : [ 1 , 2 ]\t,"c":\n"x" }\n';
    expect(pairs(text)).toEqual([
      ['a', '1'],
      ['b', '[ 1 , 2 ]'],
      ['c', '"x"'],
    ]);
    expect(topLevelProperties(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      '"a"\t:\n1',
      '"b" : [ 1 , 2 ]',
      '"c":\n"x"',
    ]);
  });

  it('reads a deeply nested value without recursion', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(pairs(`{"a":${deep},"b":1}`)).toEqual([
      ['a', deep],
      ['b', '1'],
    ]);
  });
});
