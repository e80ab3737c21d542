import { describe, expect, it } from 'vitest';
import {
  DELIVERED_RECEIVER,
  GROUP_RECEIVER,
  INVALID_GROUP_RECEIVER,
  isApplicationType,
  isDeliverable,
  isGroup,
  isReserved,
  isRoomName,
  isServerSender,
  nodeIdOf,
  ROOM_RECEIVER,
  USER_RECEIVER,
} from '../../src/protocol/index.js';

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

describe('isRoomName', () => {
  it.each([
    ['garden', true],
    ['a.B-c_d:1', true],
    ['x'.repeat(127), true],
    ['x'.repeat(128), false],
    ['', false],
    ['#garden', false],
    ['a b', false],
    ['gärten', false],
    ['garden\n', false],
    [7, false],
    [undefined, false],
  ])('of %j is %s', (name, expected) => {
    expect(isRoomName(name)).toBe(expected);
  });
});

describe('a receiver', () => {
  const smile = '\u{1f600}';
  it.each<[string, 'room' | 'user' | 'invalid group' | 'session or everyone' | 'nothing']>([
    ['#garden', 'room'],
    [`#${'x'.repeat(127)}`, 'room'],
    ['@ann', 'user'],
    ['@@', 'user'],
    ['@#', 'user'],
    ['@zoë', 'user'],
    ['@a b\n"\\', 'user'],
    [`@${smile.repeat(127)}`, 'user'],
    ['#', 'invalid group'],
    ['@', 'invalid group'],
    ['#a b', 'invalid group'],
    ['##', 'invalid group'],
    ['#gärten', 'invalid group'],
    ['#garden\n', 'invalid group'],
    [`#${'x'.repeat(128)}`, 'invalid group'],
    ['*', 'session or everyone'],
    [SESSION, 'session or everyone'],
    ['**', 'nothing'],
    ['ann', 'nothing'],
    ['a@ann', 'nothing'],
    ['a#garden', 'nothing'],
    [`@${smile.repeat(128)}`, 'nothing'],
    ['', 'nothing'],
  ])('%j is a %s', (receiver, kind) => {
    expect(ROOM_RECEIVER.test(receiver)).toBe(kind === 'room');
    expect(USER_RECEIVER.test(receiver)).toBe(kind === 'user');
    expect(GROUP_RECEIVER.test(receiver)).toBe(kind === 'room' || kind === 'user');
    expect(INVALID_GROUP_RECEIVER.test(receiver)).toBe(kind === 'invalid group');
    expect(isGroup(receiver)).toBe(/^[@#]/.test(receiver));
    const isDelivered = ['room', 'user', 'session or everyone'].includes(kind);
    expect(DELIVERED_RECEIVER.test(receiver)).toBe(isDelivered);
    expect(isDeliverable(JSON.stringify({ type: 'a', sender: SESSION, receiver }))).toBe(isDelivered);
  });
});

describe('isDeliverable', () => {
  it.each([
    '',
    '[]',
    'null',
    '7',
    '{}',
    `{"type":"a b","sender":"server","receiver":"*"}`,
    `{"type":"a","sender":"@ann","receiver":"*"}`,
    `{"type":"a","sender":"#garden","receiver":"*"}`,
    `{"type":"a","sender":"server","receiver":["#garden"]}`,
    `{"type":"a","sender":"server"}`,
  ])('of %s is false', (text) => {
    expect(isDeliverable(text)).toBe(false);
  });
});
