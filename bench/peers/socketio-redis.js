/** The router on Socket.IO as one of several nodes, with its sharded Redis adapter, which its documentation recommends. */
import { createShardedAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { createServer } from 'node:http';
import { host, port, ready } from './listen.js';

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  // A channel for each session, so that a node reads the messages of its own sessions only.
  adapter: createShardedAdapter(publisher, subscriber, { subscriptionMode: 'dynamic-private' }),
});

io.on('connection', (socket) => {
  socket.emit('sys.welcome', { type: 'sys.welcome', sender: 'server', receiver: socket.id });

  socket.on('direct', (message) => {
    message.sender = socket.id;
    if (message.receiver === '*') socket.broadcast.emit('direct', message);
    else io.to(message.receiver).emit('direct', message);
  });

  socket.on('disconnect', (reason) => {
    socket.broadcast.emit('sys.departed', { type: 'sys.departed', sender: socket.id, receiver: '*', data: { reason } });
  });
});

http.listen(port, host, ready);
