import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { projectDir } from '../harness/paths.js';

/**
 * Two sessions that exchange messages far below every limit. For each line of standard input it measures for SECONDS and
 * prints the p99 of the round trip, in microseconds.
 *
 *   node normal-pair.js PORT SECONDS
 */
const { WebSocket } = createRequire(`${projectDir}package.json`)('ws');
const [port, seconds] = process.argv.slice(2).map(Number);
const PAUSE_MS = 10;

const ann = await open();
const bob = await open();
bob.socket.on('message', (data) => {
  const { type, sender } = JSON.parse(data);
  if (type === 'pair') bob.socket.send(JSON.stringify({ type: 'pair', receiver: sender }));
});
let answered = () => undefined;
ann.socket.on('message', (data) => JSON.parse(data).type === 'pair' && answered());

for await (const _ of createInterface({ input: process.stdin })) console.log(await p99());

async function p99() {
  const times = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length === 0) {
    const began = performance.now();
    const answer = new Promise((resolve) => (answered = resolve));
    ann.socket.send(JSON.stringify({ type: 'pair', receiver: bob.id }));
    await answer;
    times.push(performance.now() - began);
    await delay(PAUSE_MS);
  }
  times.sort((one, other) => one - other);
  return Math.round(times[Math.floor(times.length * 0.99)] * 1000);
}

async function open() {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/wss`);
  socket.once('close', (code) => {
    console.error(`a session of the normal pair was closed with ${code}`);
    process.exit(1);
  });
  const [welcome] = await once(socket, 'message');
  return { socket, id: JSON.parse(welcome).receiver };
}
