import { once } from 'node:events';
import { WebSocket } from 'ws';
import { cpuSeconds } from './processor-time.js';

/** A session of a node that lists sessions and waits for their number. */
export class Listener {
  #requests = 0;

  constructor(socket, pid, nodeId) {
    this.socket = socket;
    this.pid = pid;
    this.nodeId = nodeId;
  }

  /** Opens a session of the node at this port, whose process is `pid`. */
  static async open(port, pid) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/wss`);
    const [welcome] = await once(socket, 'message');
    return new Listener(socket, pid, JSON.parse(welcome.toString()).receiver.split('.')[0]);
  }

  /** Requests one page of ids; returns it with the time taken. */
  async page(limit) {
    const id = String(++this.#requests);
    const began = performance.now();
    this.socket.send(JSON.stringify({ type: 'sys.who', id, data: { limit } }));
    for (;;) {
      const [bytes] = await once(this.socket, 'message');
      const { ref, data } = JSON.parse(bytes.toString());
      if (ref === id) return { ...data, tookMs: performance.now() - began };
    }
  }

  /** Resolves when the node lists this many sessions. */
  async hasTotal(total) {
    while ((await this.page(1)).total !== total);
  }

  /** Returns the node's processor time for each of `count` events, in microseconds. */
  async cost(count, work) {
    const before = cpuSeconds(this.pid);
    await work();
    return ((cpuSeconds(this.pid) - before) / count) * 1e6;
  }
}
