import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @typedef {number | string} Address a port of 127.0.0.1, or the path of a Unix socket */

/** Returns whether an address accepts connections. @param {Address} address */
export async function accepts(address) {
  const socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Returns an unused port of 127.0.0.1. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
