/** Rooms of Socket.IO, WebSocket transport only. */
import { Server } from 'socket.io';
import { listen } from '../listen.js';
import { acknowledged, members, notice } from './lists.js';

const io = new Server(listen(), { transports: ['websocket'], path: '/wss' });

io.on('connection', (socket) => {
  socket.emit('sys.welcome', { type: 'sys.welcome', sender: 'server', receiver: socket.id });

  socket.on('sys.join', ({ receiver, id }) => {
    if (!socket.rooms.has(receiver)) {
      void socket.join(receiver);
      socket.to(receiver).emit('sys.joined', notice('sys.joined', socket.id, receiver));
    }
    const room = io.sockets.adapter.rooms.get(receiver);
    socket.emit('sys.members', members(socket.id, id, receiver, room, room.size));
  });

  socket.on('sys.leave', ({ receiver, id }) => {
    if (socket.rooms.has(receiver)) {
      void socket.leave(receiver);
      socket.to(receiver).emit('sys.left', notice('sys.left', socket.id, receiver));
    }
    socket.emit('sys.ack', acknowledged(socket.id, id));
  });

  socket.on('direct', (message) => {
    message.sender = socket.id;
    if (socket.rooms.has(message.receiver)) socket.to(message.receiver).emit('direct', message);
  });

  socket.on('disconnecting', () => {
    for (const room of socket.rooms)
      if (room !== socket.id) socket.to(room).emit('sys.left', notice('sys.left', socket.id, room));
  });
});
