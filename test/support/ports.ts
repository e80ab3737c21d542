import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Below what Linux gives to those that ask for any port, so that nobody is given one of ours before it is used. */
const FIRST = 11_000;
const COUNT = 21_000;

/** Finds two TCP ports of 127.0.0.1 that nobody uses, for programs that cannot choose them themselves. */
export async function freePorts(): Promise<[number, number]> {
  const first = await freePort();
  for (;;) {
    const second = await freePort();
    if (second !== first) return [first, second];
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + randomInt(COUNT);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    await once(server.close(), 'close');
    return port;
  }
}

/** Resolves when something accepts connections on a port of 127.0.0.1; rejects when it is no longer worth waiting. */
export async function listening(port: number, signal?: AbortSignal): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (accepted) return;
    await delay(10, undefined, { signal });
  }
}
