import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats one of the attacks of `test/attack/` until it is killed; prints a line when it has begun.
 *
 *   node attacker.js PORT NAME
 */
const HANDSHAKE =
  'GET /wss HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
/** Below HANDSHAKES_PER_SECOND, so that it is the attack that meets its limit and not its handshake. */
const PAUSE_MS = 25;
const FIN_TEXT = 0x81;
const HALF_OPEN = 1000;
/** Handshakes of one address at a time. */
const AT_ONCE = 20;
/** How long a reader does not read before the next comes. */
const STALLED_MS = 200;

/** What each attack does once; a session that the server has ended begins anew. */
export const ATTACKS = {
  '1,000 half-open handshakes': async (port) => {
    const sockets = Array.from({ length: HALF_OPEN }, () => tcp(port, 'GET /wss HTTP/1.1\r\nHost: localhost\r\n'));
    await Promise.all(sockets.map(ended));
  },
  'a flood of one session': (port) =>
    session(port, (id) => many(10_000, frame(FIN_TEXT, `{"type":"x","receiver":"${id}","id":"1"}`))),
  'a flood of handshakes of one address': async (port) => {
    const request = `${HANDSHAKE}Origin: https://evil.test\r\n\r\n`;
    const knock = async () => {
      for (let count = 0; count < 20; count++) await ended(tcp(port, request));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, knock));
  },
  'a flood of pings': (port) => session(port, () => many(20_000, frame(0x89, 'x'))),
  '100,000 tiny fragments': (port) =>
    session(port, () => Buffer.concat([frame(0x01, '{'), many(100_000, frame(0, ' '))])),
  'nothing but faults': (port) => session(port, () => many(1000, frame(FIN_TEXT, '{'))),
  'a reader that does not read what it asks for': async (port) => {
    const socket = tcp(port, `${HANDSHAKE}\r\n`).pause();
    socket.write(many(2000, frame(FIN_TEXT, '{"type":"sys.who"}')));
    await delay(STALLED_MS);
    socket.destroy();
  },
};

if (process.argv[1] === import.meta.filename) {
  const [port, name] = process.argv.slice(2);
  const first = ATTACKS[name](Number(port));
  await delay(PAUSE_MS);
  console.log('begun');
  await first;
  for (;;) {
    await delay(PAUSE_MS);
    await ATTACKS[name](Number(port));
  }
}

/** One session that says all this as soon as it knows its id, and reads whatever it is told. */
async function session(port, bytesOf) {
  const socket = tcp(port, `${HANDSHAKE}\r\n`);
  let said = '';
  const onData = (data) => {
    said += data;
    const [, id] = /"receiver":"([^"]+)"/.exec(said) ?? [];
    if (id !== undefined) socket.off('data', onData).write(bytesOf(id));
  };
  socket.on('data', onData);
  await ended(socket);
}

function tcp(port, text) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  return socket;
}

async function ended(socket) {
  socket.resume();
  await once(socket, 'close');
}

/** A masked frame with a mask of nothing. */
function frame(first, body) {
  return Buffer.concat([Buffer.from([first, 0x80 | body.length, 0, 0, 0, 0]), Buffer.from(body)]);
}

function many(count, bytes) {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}
