/** The router on uWebSockets.js: one send for each direct message, and its batching `publish` for broadcasts. */
import { randomUUID } from 'node:crypto';
import { host, port, ready } from './listen.js';
import { limits, uWS } from './uws-native.js';

const sessions = new Map();
const app = uWS.App();

app.ws('/*', {
  ...limits,
  open(socket) {
    socket.id = randomUUID();
    sessions.set(socket.id, socket);
    socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: socket.id }));
    socket.subscribe('all');
  },
  message(socket, bytes) {
    const message = JSON.parse(Buffer.from(bytes).toString());
    message.sender = socket.id;
    const text = JSON.stringify(message);
    if (message.receiver === '*') socket.publish('all', text);
    else sessions.get(message.receiver)?.send(text);
  },
  close(socket, code) {
    sessions.delete(socket.id);
    app.publish('all', JSON.stringify({ type: 'sys.departed', sender: socket.id, receiver: '*', data: { code } }));
  },
});

app.listen(host, port, (listening) => (listening ? ready() : process.exit(1)));
