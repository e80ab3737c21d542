import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const FIRST = 11_000;
const COUNT = 21_000;

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

/**
 * Returns an unused port of 127.0.0.1, below the ephemeral ports of Linux: a connection to one of those may get the same port
 * as its own, and would then connect to itself.
 */
export async function freePort() {
  for (;;) {
    const port = FIRST + randomInt(COUNT);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if (error.code === 'EADDRINUSE') continue;
      throw error;
    }
    await once(server.close(), 'close');
    return port;
  }
}
