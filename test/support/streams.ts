import { isUtf8 } from 'node:buffer';
import { OPCODE } from '../../src/protocol/index.js';
import { clientFrame, closeFrame } from './client-frames.js';
import { anyEnvelope, plainEnvelope, type Addresses } from './envelopes.js';
import type { Random } from './random.js';

/** The frames that one client writes. */
export interface FrameStream {
  readonly frames: readonly Buffer[];
  /** True if the last frame ends the connection. */
  readonly fatal: boolean;
}

const SERVER_WORDS = [
  '{"type":"sys.ping"}',
  '{"type":"sys.ping","id":"p","data":{"a":[1,2.50,"\\u0041"]}}',
  '{"type":"sys.ping","id":"p","receiver":"x"}',
  '{"type":"sys.who","data":{"limit":0},"id":"w"}',
  '{"type":"sys.who","data":[]}',
  '{"type":"sys.who","id":"w","data":{"__proto__":null}}',
  '{"type":"sys.who","id":"w","data":{"constructor":null,"limit":1}}',
  '{"type":"sys.nothing","id":"n"}',
  '{"type":"sys.join","receiver":"#garden","id":"j"}',
  '{"type":"sys.join","receiver":"#garden","sender":"me"}',
  '{"type":"sys.join","receiver":"#hall"}',
  '{"type":"sys.join","receiver":"#","id":"j"}',
  '{"type":"sys.join","receiver":"@ann"}',
  '{"type":"sys.join","id":"j"}',
  '{"type":"sys.leave","receiver":"#garden","id":"l"}',
  '{"type":"sys.leave","receiver":"#hall","data":{"é":1},"id":"l"}',
  '{"type":"sys.who","receiver":"#garden","id":"w"}',
  '{"type":"sys.who","receiver":"@zoë","id":"w","data":{"limit":1000}}',
  '{"type":"sys.watch","receiver":"@zoë","id":"w"}',
  '{"type":"sys.unwatch","receiver":"@zoë","id":"w"}',
  '{"type":"x","receiver":"#ga\\u0072den","id":"r"}',
  '{"type":"x","receiver":"#gärten","id":"r"}',
  '{"data" : 1,"type":"sys.ping" }',
  '{"type":"x"}',
  '{"type":"x","id":"u"}',
  'null',
  '',
  '[]',
  '{}',
];
/** Messages for handlers. Handlers answer later, so only streams in lockstep may contain them. */
export const HANDLED = [
  '{"type":"demo.sum","id":"h","data":{"numbers":[1,2,3]}}',
  '{"type":"demo.sum","data":{"numbers":[1.5]}}',
  '{"type":"demo.sum","id":"i","data":{"numbers":"é"}}',
  '{"id":"j","type":"demo.sum"}',
  '{"type":"demo.sum","id":"p","data":{"__proto__":null,"numbers":[1]}}',
  '{"type":"demo.sum","id":"c","data":{"numbers":[1],"constructor":null}}',
  '{"type":"demo.typing","id":"t","data":null}',
  '{"type":"demo.sum","receiver":"x","id":"k","data":{"numbers":[4]},"sender":"me"}',
];

/** Generates a stream of frames; in two of three streams the end closes the connection. */
export function anyStream(random: Random, to: Addresses, length: number, handled: boolean): FrameStream {
  const frames: Buffer[] = [];
  while (frames.length < length) frames.push(...bearableFrames(random, to, handled));
  const fatal = !random.once(3);
  if (fatal) frames.push(...fatalFrames(random, to));
  return { frames, fatal };
}

/** Generates one message or control frame, whole or fragmented, that keeps the connection open. */
export function bearableFrames(random: Random, to: Addresses, handled: boolean): Buffer[] {
  const mask = random.once(8) ? 0 : random.next();
  switch (random.below(24)) {
    case 0:
      return [clientFrame(random.bytes(random.pick([0, 1, 7, 124, 125])), { opcode: OPCODE.ping, mask })];
    case 1:
      return [clientFrame(random.bytes(random.pick([0, 1, 125])), { opcode: OPCODE.pong, mask })];
    case 2:
      return fragments(random, validEnvelope(random, to, handled), mask);
    case 3:
      return [clientFrame(validEnvelope(random, to, handled), { mask, lengthBits: random.pick([16, 64]) })];
    case 4:
      return [clientFrame(random.pick(SERVER_WORDS), { mask })];
    case 5:
      return [clientFrame(handled ? random.pick(HANDLED) : random.pick(SERVER_WORDS), { mask })];
    case 6:
      return [
        clientFrame(random.once(20) ? largeEnvelope(random, to) : random.pick(['é', '', '{', '"\\ud800"']), { mask }),
      ];
    default:
      return [clientFrame(validEnvelope(random, to, handled), { mask })];
  }
}

/**
 * Generates an envelope of any kind in UTF-8, because invalid UTF-8 closes the connection. A mutation must not produce a
 * type that a handler claims.
 */
function validEnvelope(random: Random, to: Addresses, handled: boolean): Buffer {
  const { bytes } = anyEnvelope(random, to);
  if (!handled && bytes.includes('demo.sum"')) return Buffer.from(plainEnvelope(random, to));
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString());
}

function largeEnvelope(random: Random, to: Addresses): string {
  const length = random.pick([3000, 8150, 40_000, 65_300, 65_536 - 60]);
  return `{"type":"big","receiver":"${random.pick(to.receivers)}","data":"${'b'.repeat(length)}"}`.slice(0, 65_536);
}

/** Fragments a message, with empty fragments and control frames between. */
function fragments(random: Random, payload: Buffer, mask: number, opcode: number = OPCODE.text): Buffer[] {
  const frames: Buffer[] = [];
  const pieces = random.between(2, 5);
  let at = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const final = piece === pieces - 1;
    const end = final ? payload.length : random.between(at, payload.length);
    frames.push(
      clientFrame(payload.subarray(at, end), { opcode: piece === 0 ? opcode : OPCODE.continuation, final, mask }),
    );
    if (!final && random.once(3)) frames.push(clientFrame('between', { opcode: OPCODE.ping, mask }));
    at = end;
  }
  return frames;
}

/** Generates frames that close the connection, and later frames, which must have no effect. */
export function fatalFrames(random: Random, to: Addresses): Buffer[] {
  const behind: Buffer[] = [];
  while (!random.once(3)) behind.push(clientFrame(plainEnvelope(random, to), { mask: random.next() }));
  return [...random.pick(FATAL)(random, Buffer.from(plainEnvelope(random, to))), ...behind];
}

type Fatal = (random: Random, payload: Buffer) => Buffer[];

/** Returns a message with invalid UTF-8. */
function broken(payload: Buffer): Buffer {
  return Buffer.concat([payload.subarray(0, 2), Buffer.from([0xc3, 0x28]), payload.subarray(2)]);
}

export const FATAL: readonly Fatal[] = [
  (_, payload) => [clientFrame(payload, { mask: undefined })],
  (random, payload) => [clientFrame(payload, { reserved: random.between(1, 7), mask: random.next() })],
  (random, payload) => [clientFrame(payload, { opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) })],
  (random) => [clientFrame(random.bytes(126), { opcode: random.pick([OPCODE.ping, OPCODE.pong, OPCODE.close]) })],
  (random) => [clientFrame(random.bytes(3), { opcode: random.pick([OPCODE.ping, OPCODE.pong]), final: false })],
  (_, payload) => [clientFrame(payload, { opcode: OPCODE.continuation })],
  (_, payload) => [clientFrame(payload, { final: false }), clientFrame(payload)],
  (_, payload) => [clientFrame('{', { final: false }), clientFrame(payload, { final: false })],
  (_, payload) => [clientFrame(payload, { opcode: OPCODE.binary })],
  (random, payload) => fragments(random, payload, random.next(), OPCODE.binary),
  () => [clientFrame('{"type":', { headerLength: 65_537 })],
  () => [clientFrame('{"type":', { headerLength: 2 ** 40 })],
  () => [clientFrame('', { headerLength: Number.MAX_SAFE_INTEGER, lengthBits: 64 })],
  (_, payload) => [clientFrame(payload, { final: false }), clientFrame('', { opcode: 0, headerLength: 65_530 })],
  (random, payload) => [clientFrame(broken(payload), { mask: random.next() })],
  (random, payload) => fragments(random, broken(payload), random.next()),
  (random) => [clientFrame(Buffer.concat([Buffer.alloc(600, 'x'), Buffer.from([0xff])]), { mask: random.next() })],
  () => [closeFrame()],
  (random) => [closeFrame(random.pick([1000, 1001, 1011, 3000, 4321]), random.pick(['', 'bye', 'é']), random.next())],
  (random) => [closeFrame(random.pick([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535]))],
  () => [clientFrame('x', { opcode: OPCODE.close })],
  () => [closeFrame(1000, Buffer.from([0xc3, 0x28]))],
  () => [
    clientFrame('', { final: false }),
    ...Array.from({ length: 65 }, () => clientFrame('', { opcode: 0, final: false })),
  ],
];
