/** Rooms on uWebSockets.js: its publish and subscribe for messages and notices, and a Map of Sets for the lists of members. */
import { randomUUID } from 'node:crypto';
import { host, port, ready } from '../listen.js';
import { limits, uWS } from '../uws-native.js';
import { acknowledged, members, notice } from './lists.js';

/** The ids of each room. @type {Map<string, Set<string>>} */
const rooms = new Map();
const app = uWS.App();

app.ws('/*', {
  ...limits,
  open(socket) {
    socket.id = randomUUID();
    // uWebSockets.js drops what it has not sent yet to a socket that unsubscribes from its last topic.
    socket.subscribe(socket.id);
    socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: socket.id }));
  },
  message(socket, bytes) {
    const message = JSON.parse(Buffer.from(bytes).toString());
    const { type, receiver, id } = message;
    if (type === 'sys.join') {
      join(socket, receiver);
      const room = rooms.get(receiver);
      socket.send(JSON.stringify(members(socket.id, id, receiver, room, room.size)));
    } else if (type === 'sys.leave') {
      leave(socket, receiver);
      socket.send(JSON.stringify(acknowledged(socket.id, id)));
    } else if (socket.isSubscribed(receiver)) {
      message.sender = socket.id;
      socket.publish(receiver, JSON.stringify(message));
    }
  },
  close(socket) {
    for (const [name, room] of rooms) if (room.has(socket.id)) forget(socket, name, room);
  },
});

app.listen(host, port, (listening) => (listening ? ready() : process.exit(1)));

function join(socket, name) {
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room);
  if (room.has(socket.id)) return;
  room.add(socket.id);
  socket.subscribe(name);
  socket.publish(name, JSON.stringify(notice('sys.joined', socket.id, name)));
}

function leave(socket, name) {
  const room = rooms.get(name);
  if (!room?.has(socket.id)) return;
  socket.unsubscribe(name);
  forget(socket, name, room);
}

/** Removes a session that is not subscribed any more, and notifies the other members. */
function forget(socket, name, room) {
  room.delete(socket.id);
  if (room.size === 0) rooms.delete(name);
  app.publish(name, JSON.stringify(notice('sys.left', socket.id, name)));
}
