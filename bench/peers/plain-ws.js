/** A minimal message router on `ws`: one JSON.parse, one JSON.stringify and one send for each message. */
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { listen } from './listen.js';

const sessions = new Map();
const server = new WebSocketServer({ server: listen() });

server.on('connection', (socket) => {
  const id = randomUUID();
  sessions.set(id, socket);
  socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: id }));

  socket.on('message', (/** @type {Buffer} */ bytes) => {
    const message = JSON.parse(bytes.toString());
    message.sender = id;
    const text = JSON.stringify(message);
    if (message.receiver === '*') sendToOthers(id, text);
    else sessions.get(message.receiver)?.send(text);
  });

  socket.on('close', (code) => {
    sessions.delete(id);
    sendToOthers(id, JSON.stringify({ type: 'sys.departed', sender: id, receiver: '*', data: { code } }));
  });
});

function sendToOthers(id, text) {
  for (const [other, socket] of sessions) if (other !== id) socket.send(text);
}
