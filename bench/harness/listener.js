import { once } from 'node:events';
import { WebSocket } from 'ws';
import { cpuSeconds } from './cluster-processes.js';

/** One session of a node, which asks it who is where. */
export class Listener {
  #asked = 0;

  constructor(socket, node) {
    this.socket = socket;
    this.node = node;
  }

  static async open(node) {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/wss`);
    await once(socket, 'message');
    return new Listener(socket, node);
  }

  /** One page of ids, and how long it took. */
  async page(limit) {
    const id = String(++this.#asked);
    const began = performance.now();
    this.socket.send(JSON.stringify({ type: 'sys.who', id, data: { limit } }));
    for (;;) {
      const [bytes] = await once(this.socket, 'message');
      const { ref, data } = JSON.parse(bytes.toString());
      if (ref === id) return { ...data, tookMs: performance.now() - began };
    }
  }

  /** Resolves when the node knows of so many sessions. */
  async knows(total) {
    while ((await this.page(1)).total !== total);
  }

  /** Microseconds of the node's processor time for each of so many. */
  async cost(count, work) {
    const before = cpuSeconds(this.node);
    await work();
    return ((cpuSeconds(this.node) - before) / count) * 1e6;
  }
}
