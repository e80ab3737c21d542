import { clientFrame, closeFrame } from './client-frames.js';
import type { Addresses } from './envelopes.js';
import type { Random } from './random.js';
import { request, UPGRADE_HEADERS } from './raw-http.js';
import { bearableFrames, fatalFrames, HANDLED } from './streams.js';

const ODD_HEADERS = [
  'Sec-WebSocket-Version: 8',
  'Sec-WebSocket-Version: 13, 13',
  'Sec-WebSocket-Key: short',
  'Sec-WebSocket-Key:',
  'Sec-WebSocket-Protocol: ,,',
  'Sec-WebSocket-Protocol: a, a',
  'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99',
  'Sec-WebSocket-Extensions: ;;;=',
  'Upgrade: h2c',
  'Connection: close',
  'Content-Length: 5',
  'Content-Length: -1',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: nonsense',
  'Expect: 100-continue',
  'Host: a\u0000b',
  'no colon',
  ': nameless',
  ' folded',
  `X: ${'x'.repeat(20_000)}`,
];
const LINES = [
  'GET /wss HTTP/1.1',
  'GET /wss/ HTTP/1.1',
  'GET /wss?a=%ff HTTP/1.1',
  'GET //wss HTTP/1.1',
  'GET http://[/wss HTTP/1.1',
  'GET /wss HTTP/1.0',
  'GET /wss HTTP/2.0',
  'GET /nothing HTTP/1.1',
  'POST /wss HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'CONNECT localhost:1 HTTP/1.1',
  'PRI * HTTP/2.0',
  'GET',
  '',
];
const NEST_DEPTH = 20_000;

/** Generates an invalid or borderline handshake, sometimes with bytes after it. */
export function hostileHandshake(random: Random): Buffer {
  if (random.once(6)) return Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0]), random.bytes(random.below(400))]);
  const headers: string[] = UPGRADE_HEADERS.filter(() => !random.once(8));
  for (let count = random.below(4); count > 0; count--) headers.push(random.pick(ODD_HEADERS));
  const text = [random.pick(LINES), ...random.shuffle(headers), '', ''].join(random.once(10) ? '\n' : '\r\n');
  const bytes = Buffer.concat([Buffer.from(text, 'latin1'), random.bytes(random.pick([0, 0, 1, 30]))]);
  return random.once(5) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

/** Returns a valid handshake, so that the bytes after it are read as frames. */
export function handshake(): Buffer {
  return Buffer.from(request('GET /wss HTTP/1.1'));
}

/** Generates invalid frames; the last frame, or a close frame after it, ends the connection. */
export function hostileFrames(random: Random, to: Addresses, length: number): Buffer[] {
  const frames: Buffer[] = [];
  while (frames.length < length) {
    if (random.once(10)) frames.push(clientFrame(hostileText(random, to), { mask: random.next() }));
    else frames.push(...bearableFrames(random, to, true));
  }
  if (random.once(3)) frames.push(closeFrame(1000));
  else frames.push(...fatalFrames(random, to));
  return frames;
}

function hostileText(random: Random, to: Addresses): string {
  const receiver = random.pick(to.receivers);
  switch (random.below(7)) {
    case 0:
      return `{"type":"deep","receiver":"x","id":"d","data":${'['.repeat(NEST_DEPTH)}${']'.repeat(NEST_DEPTH)}}`;
    case 1:
      return `{"type":"deep","data":${'{"a":'.repeat(NEST_DEPTH / 5)}`;
    case 2:
      return `{"__proto__":{"type":"a"},"type":"a","receiver":"${receiver}"}`;
    case 3:
      return `{"type":"proto","receiver":"${receiver}","data":{"__proto__":{"admin":true},"constructor":{"prototype":1}}}`;
    case 4:
      return `{"type":"number","receiver":"${receiver}","id":"n","data":${'9'.repeat(random.between(1, 2000))}e${'9'.repeat(400)}}`;
    case 5:
      return deepForAHandler(random.pick([60, 63, 64, 1000, 4000, NEST_DEPTH]), random);
    default:
      return random.pick(HANDLED).replace('"numbers":[1]', `"numbers":[${'1,'.repeat(2000)}1e999]`);
  }
}

/** Generates nested arrays or objects in the body of a DTO. */
function deepForAHandler(depth: number, random: Random): string {
  const nested = random.once(2)
    ? `${'['.repeat(depth)}${']'.repeat(depth)}`
    : `${'{"a":'.repeat(depth / 2)}1${'}'.repeat(depth / 2)}`;
  return random.pick([
    `{"type":"demo.sum","id":"d","data":{"numbers":${nested}}}`,
    `{"type":"demo.sum","data":${nested}}`,
    `{"type":"demo.typing","id":"d","data":{"to":${nested},"typing":true}}`,
    `{"type":"demo.typing","data":{"to":"x","typing":${nested}}}`,
  ]);
}
