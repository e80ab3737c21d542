/** Rooms on `ws`: a Map of Sets, one JSON.parse, one JSON.stringify for all members, one send for each. */
import { randomUUID } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { listen } from '../listen.js';
import { acknowledged, members, notice } from './lists.js';

/** The sockets of each room. @type {Map<string, Set<import('ws').WebSocket & { id: string }>>} */
const rooms = new Map();
const server = new WebSocketServer({ server: listen() });

server.on('connection', (socket) => {
  const own = new Set();
  socket.id = randomUUID();
  socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: socket.id }));

  socket.on('message', (/** @type {Buffer} */ bytes) => {
    const message = JSON.parse(bytes.toString());
    const { type, receiver, id } = message;
    if (type === 'sys.join') {
      join(socket, receiver);
      own.add(receiver);
      const room = rooms.get(receiver);
      const ids = Array.from(room, (member) => member.id);
      socket.send(JSON.stringify(members(socket.id, id, receiver, ids, room.size)));
    } else if (type === 'sys.leave') {
      leave(socket, receiver);
      own.delete(receiver);
      socket.send(JSON.stringify(acknowledged(socket.id, id)));
    } else if (own.has(receiver)) {
      message.sender = socket.id;
      sendToOthers(socket, receiver, JSON.stringify(message));
    }
  });

  socket.on('close', () => {
    for (const room of own) leave(socket, room);
  });
});

function join(socket, name) {
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room);
  if (room.has(socket)) return;
  room.add(socket);
  sendToOthers(socket, name, JSON.stringify(notice('sys.joined', socket.id, name)));
}

function leave(socket, name) {
  const room = rooms.get(name);
  if (!room?.delete(socket)) return;
  if (room.size === 0) rooms.delete(name);
  else sendToOthers(socket, name, JSON.stringify(notice('sys.left', socket.id, name)));
}

function sendToOthers(socket, name, text) {
  for (const member of rooms.get(name)) if (member !== socket) member.send(text);
}
