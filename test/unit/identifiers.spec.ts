import { describe, expect, it } from 'vitest';
import { isApplicationType, isReserved, isServerSender, nodeIdOf } from '../../src/protocol/index.js';

const SESSION = 'kCgk0l3w.Dq2v8Wn1x0Jm5tYb';

describe('isReserved', () => {
  it.each([
    ['sys.who', true],
    ['sys.', true],
    ['sys', false],
    ['Sys.who', false],
    ['system', false],
    ['a.sys.b', false],
  ])('of %s is %s', (type, expected) => {
    expect(isReserved(type)).toBe(expected);
  });
});

describe('isApplicationType', () => {
  it.each([
    ['chat', true],
    ['a.B-c_d:1', true],
    ['x'.repeat(64), true],
    ['x'.repeat(65), false],
    ['', false],
    ['a b', false],
    ['sys.who', false],
  ])('of %j is %s', (type, expected) => {
    expect(isApplicationType(type)).toBe(expected);
  });
});

describe('isServerSender', () => {
  it.each([
    [SESSION, false],
    ['serverAB.Dq2v8Wn1x0Jm5tYb', false],
    ['server', true],
    ['server/shop', true],
    ['server/a.b', true],
  ])('of %s is %s', (sender, expected) => {
    expect(isServerSender(sender)).toBe(expected);
  });
});

describe('nodeIdOf', () => {
  it.each([
    [SESSION, 'kCgk0l3w'],
    ['kCgk0l3w', undefined],
    [`${SESSION}x`, undefined],
    ['server/shop', undefined],
  ])('of %s is %s', (text, expected) => {
    expect(nodeIdOf(text)).toBe(expected);
  });
});
