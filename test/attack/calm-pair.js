import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { WebSocket } from 'ws';

/**
 * Two sessions in a thread of their own, which exchange a message and call a handler again and again, well below every
 * limit. Each message arrives once and in order, and each is answered; anything else ends the thread with an error.
 * `start` begins to measure, `stop` posts the p99 of the exchanges since; each exchange is posted, too.
 */
const { urls, pids } = workerData;
/** With two messages in each exchange below `MESSAGES_PER_SECOND`, which is 200. */
const PAUSE_MS = 12;

const SCHEDULES = ['/proc/thread-self/schedstat', ...pids.map((pid) => `/proc/${pid}/task/${pid}/schedstat`)];

/** The milliseconds for which this thread and the main threads of the servers ran, and waited for a core. */
function schedule() {
  if (process.platform !== 'linux') return { ran: SCHEDULES.map(() => 0), waited: 0 };
  const all = SCHEDULES.map((path) =>
    readFileSync(path, 'utf8')
      .split(' ')
      .map((ns) => Number(ns) / 1e6),
  );
  return { ran: all.map(([ran]) => ran), waited: all.reduce((sum, [, waited]) => sum + waited, 0) };
}

/**
 * Starts a clock that stands still while this thread or a server has no core because the machine is busy. Two threads may
 * wait at once and be subtracted twice, so that the result is at least what one server worked meanwhile.
 */
function ownClock() {
  const beganMs = performance.now();
  const before = schedule();
  return () => {
    const { ran, waited } = schedule();
    const [, ...worked] = ran.map((ms, index) => ms - before.ran[index]);
    return Math.max(performance.now() - beganMs - (waited - before.waited), ...worked);
  };
}

class Talker {
  id = '';
  #waiting = new Map();

  static async open(url) {
    const talker = new Talker();
    const socket = new WebSocket(url, { rejectUnauthorized: false });
    talker.socket = socket;
    const welcomed = talker.next('sys.welcome');
    socket.on('message', (data) => talker.#receive(JSON.parse(Buffer.from(data).toString())));
    socket.on('error', (error) => fail(`a calm session has an error: ${error.message}`));
    socket.on('close', (code) => fail(`a calm session was closed with ${code}`));
    talker.id = (await welcomed).receiver;
    return talker;
  }

  /** Waits for a message of this type, or for the answer to an id. */
  next(key) {
    return new Promise((resolve) => this.#waiting.set(key, resolve));
  }

  send(envelope) {
    this.socket.send(JSON.stringify(envelope));
  }

  #receive(envelope) {
    const { type, ref, data } = envelope;
    const key = ref === undefined ? type : `${type} ${ref}`;
    const resolve = this.#waiting.get(key) ?? (type === 'sys.error' ? this.#waiting.get(`error ${ref}`) : undefined);
    if (resolve !== undefined) {
      this.#waiting.delete(key);
      resolve(envelope);
    } else if (type === 'calm' || type === 'sys.error')
      fail(`an unexpected message: ${JSON.stringify({ type, ref, data })}`);
  }
}

function fail(reason) {
  throw new Error(reason);
}

/** Posts a message to the thread that started this one. */
function report(message) {
  parentPort.postMessage(message, []);
}

let number = 0;

/** One message and one handled call, there and back; returns its own time in milliseconds. */
async function exchange(ann, bob) {
  const text = String(number++);
  const arrived = bob.next('calm');
  const answers = [ann.next(`sys.ack ${text}`), ann.next(`demo.sum sum${text}`), ann.next(`sys.ack sum${text}`)];
  const ownMs = ownClock();
  ann.send({ type: 'calm', receiver: bob.id, id: text, data: number });
  ann.send({ type: 'demo.sum', id: `sum${text}`, data: { numbers: [number, 1] } });
  const [message, , sum] = await Promise.all([arrived, ...answers]);
  const tookMs = ownMs();
  if (message.data !== number || message.id !== text || message.sender !== ann.id)
    fail(`another message arrived than ${text}: ${JSON.stringify(message)}`);
  if (sum.data.sum !== number + 1) fail(`a wrong sum: ${JSON.stringify(sum)}`);
  return tookMs;
}

/** Waits until the node of the one knows the session of the other. */
async function acquaint(ann, bob) {
  for (let tries = 0; ; tries++) {
    const answered = new Promise((resolve) => {
      void ann.next(`sys.ack try${tries}`).then(() => resolve(true));
      void ann.next(`error try${tries}`).then(() => resolve(false));
    });
    ann.send({ type: 'acquaint', receiver: bob.id, id: `try${tries}` });
    if (await answered) return;
    await delay(PAUSE_MS);
  }
}

/** @param {number[]} times */
function p99(times) {
  return times.toSorted((one, other) => one - other)[Math.ceil(times.length * 0.99) - 1];
}

const ann = await Talker.open(urls[0]);
const bob = await Talker.open(urls.at(-1));
await acquaint(ann, bob);

let times = [];
parentPort.on('message', (message) => {
  if (message === 'start') times = [];
  else report({ p99Ms: p99(times) });
});
report({ ids: [ann.id, bob.id] });
for (;;) {
  times.push(await exchange(ann, bob));
  report({ exchanged: true });
  await delay(PAUSE_MS);
}
