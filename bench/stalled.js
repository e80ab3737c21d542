import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

/**
 * p99 of a calm pair, alone and beside 100 readers that have stopped reading a flood of broadcasts: started by
 * `protections.js` on a core of its own. Prints one JSON line.
 *
 *   node stalled.js PORT PATH
 */
const { WebSocket } = createRequire(fileURLToPath(new URL('../package.json', import.meta.url)))('ws');
const [port, path] = process.argv.slice(2);
const STALLED = 100;
const EXCHANGES = 4000;
const FLOOD_BYTES = 16_384;

const alice = await open();
const bob = await open();
bob.socket.on('message', (data) => {
  const { type, sender } = JSON.parse(data);
  if (type === 'calm') bob.socket.send(JSON.stringify({ type: 'calm', receiver: sender }));
});

const quiet = await calmP99();
const readers = await Promise.all(Array.from({ length: STALLED }, stall));
const flood = await open();
const stop = pour(flood.socket);
const beside = await calmP99();
stop();
for (const reader of readers) reader.destroy();
console.log(JSON.stringify({ quiet_p99_us: quiet, beside_p99_us: beside, broadcasts: stop.sent() }));
process.exit(0);

async function open() {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  const [welcome] = await once(socket, 'message');
  return { socket, id: JSON.parse(welcome).receiver };
}

/** A client that shakes hands and never reads again. */
async function stall() {
  const socket = new Socket();
  socket.connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await once(socket, 'data');
  socket.pause();
  socket.on('error', () => socket.destroy());
  return socket;
}

/** Broadcasts as fast as the acknowledgements come, so that the flood is the server's own pace. */
function pour(socket) {
  const data = 'x'.repeat(FLOOD_BYTES);
  let sent = 0;
  let on = true;
  const next = () => on && socket.send(JSON.stringify({ type: 'flood', receiver: '*', id: String(sent++), data }));
  socket.on('message', (frame) => JSON.parse(frame).type === 'sys.ack' && setTimeout(next, 1));
  next();
  return Object.assign(() => (on = false), { sent: () => sent });
}

async function calmP99() {
  const times = [];
  for (let index = 0; index < EXCHANGES; index++) {
    const began = process.hrtime.bigint();
    alice.socket.send(JSON.stringify({ type: 'calm', receiver: bob.id }));
    await answer();
    times.push(Number(process.hrtime.bigint() - began) / 1000);
  }
  times.sort((one, other) => one - other);
  return Math.round(times[Math.floor(times.length * 0.99)]);
}

/** Waits for the calm answer, whatever else arrives. */
function answer() {
  return new Promise((resolve) => {
    const listen = (data) => {
      if (JSON.parse(data).type !== 'calm') return;
      alice.socket.off('message', listen);
      resolve();
    };
    alice.socket.on('message', listen);
  });
}
