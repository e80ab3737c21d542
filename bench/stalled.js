import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { projectDir } from './harness/paths.js';

/**
 * A flood of 16 KiB messages at a fixed pace to 100 sessions that read it or have stopped reading: started by
 * `protections.js` beside a calm pair. Prints a line once the flood is on, and goes on until it is killed.
 *
 *   node stalled.js PORT reading|stalled broadcast|direct
 */
const { WebSocket } = createRequire(`${projectDir}package.json`)('ws');
const [port, readers, kind] = process.argv.slice(2);
const READERS = 100;
const DATA = 'x'.repeat(16_384);
const PAUSE_MS = 10;
/** Messages sent at once each time: a broadcast reaches all of them, a direct message one. */
const AT_ONCE = kind === 'broadcast' ? 1 : 10;

let sent = 0;
const ids = await Promise.all(Array.from({ length: READERS }, readers === 'stalled' ? stall : read));
const { socket } = await open();
if (readers === 'stalled' && kind === 'direct') for (const id of ids) await fill(id);
setInterval(() => {
  for (let count = 0; count < AT_ONCE; count++) say(kind === 'broadcast' ? '*' : ids[sent % READERS]);
}, PAUSE_MS);
console.log('the flood is on');

function say(receiver, id) {
  sent++;
  socket.send(JSON.stringify({ type: 'flood', receiver, id, data: DATA }));
}

/** Sends to one until the server says that too much waits for it. */
async function fill(receiver) {
  for (;;) {
    say(receiver, 'fill');
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

/** A client that shakes hands and never reads again. Returns its id. */
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
