import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { projectDir } from './harness/paths.js';

/**
 * Sends 16 KiB messages at a fixed rate to 100 sessions that read or have stopped reading. `protections.js` starts it
 * beside a normal pair. Prints a line once the flood has begun, and runs until it is killed.
 *
 *   node stalled.js PORT reading|stalled broadcast|direct
 */
const { WebSocket } = createRequire(`${projectDir}package.json`)('ws');
const [port, readers, kind] = process.argv.slice(2);
const READERS = 100;
const DATA = 'x'.repeat(16_384);
const PAUSE_MS = 10;
/** Messages in each step: one broadcast, or ten direct messages. */
const PER_STEP = kind === 'broadcast' ? 1 : 10;

let sent = 0;
const ids = await Promise.all(Array.from({ length: READERS }, readers === 'stalled' ? stall : read));
const { socket } = await open();
if (readers === 'stalled' && kind === 'direct') for (const id of ids) await fill(id);
setInterval(() => {
  for (let count = 0; count < PER_STEP; count++) sendTo(kind === 'broadcast' ? '*' : ids[sent % READERS]);
}, PAUSE_MS);
console.log('flooding');

function sendTo(receiver, id) {
  sent++;
  socket.send(JSON.stringify({ type: 'flood', receiver, id, data: DATA }));
}

/** Sends to a session until the server answers `receiver_overloaded`. */
async function fill(receiver) {
  for (;;) {
    sendTo(receiver, 'fill');
    const [answer] = await once(socket, 'message');
    if (JSON.parse(answer).data.code === 'receiver_overloaded') return;
  }
}

async function open() {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/wss`);
  const [welcome] = await once(webSocket, 'message');
  return { socket: webSocket, id: JSON.parse(welcome).receiver };
}

async function read() {
  return (await open()).id;
}

/** Connects a client that never reads after the welcome. Returns its id. */
async function stall() {
  const tcp = new Socket();
  tcp.connect(Number(port), '127.0.0.1');
  await once(tcp, 'connect');
  const key = randomBytes(16).toString('base64');
  tcp.write(
    `GET /wss HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  let text = '';
  while (!text.includes('"sys.welcome"')) text += (await once(tcp, 'data'))[0];
  tcp.pause();
  tcp.on('error', () => tcp.destroy());
  return /"receiver":"([^"]+)"/.exec(text)[1];
}
