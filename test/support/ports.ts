import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Below the ephemeral ports of Linux, so that no other program gets a chosen port before its use. */
const FIRST = 11_000;
const COUNT = 21_000;

/** Finds two unused TCP ports of 127.0.0.1, for programs that cannot choose a port. */
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

/** Resolves when a port of 127.0.0.1 accepts connections; rejects when the signal aborts. */
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
