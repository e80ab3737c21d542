import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Listens, reports the port, and blocks its thread, so that nothing accepts the connections. */
const BLOCKED = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(workerData), 0, 0);
    server.close();
    process.exit();
  });`;

/** A port of 127.0.0.1 that drops connections without a refusal, as the address of a machine that is gone does. */
export class SilentPort {
  private constructor(
    readonly port: number,
    private readonly worker: Worker,
    private readonly gate: Int32Array,
    private readonly queued: readonly Socket[],
  ) {}

  static async open(): Promise<SilentPort> {
    const workerData = new SharedArrayBuffer(4);
    const worker = new Worker(BLOCKED, { eval: true, workerData });
    const [port] = (await once(worker, 'message')) as [number];
    // Linux drops the first segment of a connection while the queue of a listener is full, which holds two.
    const queued = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(queued.map((socket) => once(socket, 'connect')));
    return new SilentPort(port, worker, new Int32Array(workerData), queued);
  }

  async close(): Promise<void> {
    for (const socket of this.queued) socket.destroy();
    const exit = once(this.worker, 'exit');
    Atomics.store(this.gate, 0, 1);
    Atomics.notify(this.gate, 0);
    await exit;
  }
}
