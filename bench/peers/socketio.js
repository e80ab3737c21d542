/** The router on Socket.IO, WebSocket transport only. */
import { Server } from 'socket.io';
import { listen } from './listen.js';

const io = new Server(listen(), { transports: ['websocket'], path: '/wss' });

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
