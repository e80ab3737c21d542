import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats one of the attacks of `test/attack/` until it is killed; prints a line once the attack has begun.
 *
 *   node attacker.js PORT NAME
 */
const HANDSHAKE =
  'GET /wss HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
/** Keeps handshakes below HANDSHAKES_PER_SECOND, so that the limit of the attack applies. */
const PAUSE_MS = 25;
const FIN_TEXT = 0x81;
const HALF_OPEN = 1000;
/** Concurrent handshakes of one address. */
const CONCURRENT = 20;
/** Time without reading before the next connection. */
const STALLED_MS = 200;
/** Sessions that are dropped in each run, and the pause that keeps their handshakes below the limit. */
const DROPPED = 4;
const DROPPED_PAUSE_MS = 250;
/** Together more than RESUME_BYTES. */
const KEPT_MESSAGES = 300;
const RESUMABLE = 'Switchboard-Resume: new\r\n';
/** A token of the right form that names no session. */
const WRONG_TOKEN = `Switchboard-Resume: ${'A'.repeat(46)}.0\r\n`;

/** One run of each attack; the attacker repeats it after the server has closed the connection. */
export const ATTACKS = {
  '1,000 half-open handshakes': async (port) => {
    const sockets = Array.from({ length: HALF_OPEN }, () => tcp(port, 'GET /wss HTTP/1.1\r\nHost: localhost\r\n'));
    await Promise.all(sockets.map(ended));
  },
  'a flood of one session': (port) =>
    session(port, (id) => many(10_000, frame(FIN_TEXT, `{"type":"x","receiver":"${id}","id":"1"}`))),
  'a flood of handshakes of one address': async (port) => {
    const request = `${HANDSHAKE}Origin: https://evil.test\r\n\r\n`;
    const handshakes = async () => {
      for (let count = 0; count < 20; count++) await ended(tcp(port, request));
    };
    await Promise.all(Array.from({ length: CONCURRENT }, handshakes));
  },
  'a flood of pings': (port) => session(port, () => many(20_000, frame(0x89, 'x'))),
  '100,000 tiny fragments': (port) =>
    session(port, () => Buffer.concat([frame(0x01, '{'), many(100_000, frame(0, ' '))])),
  'a flood of invalid messages': (port) => session(port, () => many(1000, frame(FIN_TEXT, '{'))),
  'a session that does not read its answers': async (port) => {
    const socket = tcp(port, `${HANDSHAKE}\r\n`).pause();
    socket.write(many(2000, frame(FIN_TEXT, '{"type":"sys.who"}')));
    await delay(STALLED_MS);
    socket.destroy();
  },
  'resumable sessions that are dropped, more messages than are kept for them, and wrong tokens': async (port) => {
    const fill = async () => {
      const [away, sender, other] = await Promise.all(
        [RESUMABLE, '', WRONG_TOKEN].map((header) => welcomed(tcp(port, `${HANDSHAKE}${header}\r\n`))),
      );
      for (const { socket } of [away, other]) socket.destroy();
      const message = `{"type":"x","receiver":"${away.id}","id":"1","data":"${'x'.repeat(1000)}"}`;
      sender.socket.end(many(KEPT_MESSAGES, frame(FIN_TEXT, message)));
      await ended(sender.socket);
    };
    await Promise.all([...Array.from({ length: DROPPED }, fill), delay(DROPPED_PAUSE_MS)]);
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

/** Opens a session, writes these bytes after the welcome, and reads until the end. */
async function session(port, bytesOf) {
  const { socket, id } = await welcomed(tcp(port, `${HANDSHAKE}\r\n`));
  socket.write(bytesOf(id));
  await ended(socket);
}

/** Reads up to the welcome. The id is empty where the handshake was rejected, and the socket has ended then. */
function welcomed(socket) {
  return new Promise((resolve) => {
    let received = '';
    const onData = (data) => {
      received += data;
      const [, id] = /"receiver":"([^"]+)"/.exec(received) ?? [];
      if (id !== undefined) resolve({ socket: socket.off('data', onData), id });
    };
    socket.on('data', onData).once('close', () => resolve({ socket, id: '' }));
  });
}

function tcp(port, text) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  return socket;
}

async function ended(socket) {
  if (socket.closed) return;
  socket.resume();
  await once(socket, 'close');
}

/** Encodes a frame of less than 64 KiB with a mask of zeros. */
function frame(first, body) {
  const length = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([first, 0x80 | length[0], ...length.slice(1), 0, 0, 0, 0]), Buffer.from(body)]);
}

function many(count, bytes) {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}
