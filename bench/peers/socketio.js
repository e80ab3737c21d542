/** The router on Socket.IO, WebSocket transport only. */
import { Server } from 'socket.io';
import { createServer } from 'node:http';
import { host, port, ready } from './listen.js';

const http = createServer();
const io = new Server(http, { transports: ['websocket'] });

io.on('connection', (socket) => {
  socket.emit('sys.welcome', { type: 'sys.welcome', sender: 'server', receiver: socket.id });

  socket.on('direct', (message) => {
    message.sender = socket.id;
    if (message.receiver === '*') socket.broadcast.emit('direct', message);
    else io.sockets.sockets.get(message.receiver)?.emit('direct', message);
  });

  socket.on('disconnect', (reason) => {
    socket.broadcast.emit('sys.departed', { type: 'sys.departed', sender: socket.id, receiver: '*', data: { reason } });
  });
});

http.listen(port, host, ready);
