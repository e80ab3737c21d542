/** The router on uWebSockets.js, corked for each turn: all messages of a turn for a socket leave in one system call. */
import { randomUUID } from 'node:crypto';
import { host, path, port, ready } from './listen.js';
import { limits, uWS } from './uws-native.js';

const sessions = new Map();
/** Sockets with queued messages in this turn. */
let waiting = [];

const app = uWS.App().ws('/*', {
  ...limits,
  open(socket) {
    socket.id = randomUUID();
    socket.queue = [];
    sessions.set(socket.id, socket);
    enqueue(socket, JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: socket.id }));
  },
  message(socket, bytes) {
    const message = JSON.parse(Buffer.from(bytes).toString());
    message.sender = socket.id;
    const text = JSON.stringify(message);
    if (message.receiver === '*') return enqueueToOthers(socket, text);
    const receiver = sessions.get(message.receiver);
    if (receiver) enqueue(receiver, text);
  },
  close(socket, code) {
    sessions.delete(socket.id);
    socket.closed = true;
    enqueueToOthers(socket, JSON.stringify({ type: 'sys.departed', sender: socket.id, receiver: '*', data: { code } }));
  },
});

const listening = (socket) => (socket ? ready() : process.exit(1));
if (path) app.listen_unix(listening, path);
else app.listen(host, port, listening);

function enqueueToOthers(from, text) {
  for (const socket of sessions.values()) if (socket !== from) enqueue(socket, text);
}

function enqueue(socket, text) {
  if (socket.queue.push(text) > 1) return;
  if (waiting.push(socket) === 1) setImmediate(flush);
}

function flush() {
  const sockets = waiting;
  waiting = [];
  for (const socket of sockets) {
    const queue = socket.queue;
    socket.queue = [];
    // Any call on a closed socket throws.
    if (!socket.closed) socket.cork(() => queue.forEach((text) => socket.send(text)));
  }
}
