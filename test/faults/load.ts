import { setTimeout as delay } from 'node:timers/promises';
import type { ClientOptions } from 'ws';
import { connect, type Client } from '../support/client.js';
import { countDeliveries, type DeliveryCount } from '../support/delivery-count.js';

const CONNECT_BATCH = 100;
const RETRY_MS = 20;

/** Sessions in a ring, each of which sends numbered messages to the next. */
export class Load {
  clients: Client[] = [];
  /** Clients whose connections ended; their messages still count. */
  readonly #former: Client[] = [];
  #number = 0;
  /** Sessions that had to reconnect. */
  reconnected = 0;

  constructor(
    private url: string,
    readonly size: number,
    private options: ClientOptions = {},
  ) {}

  /** Sets the address for all later connections. */
  setTarget(url: string, options: ClientOptions): void {
    this.url = url;
    this.options = options;
  }

  /** Connects all disconnected sessions, with retries; returns the milliseconds until all were connected. */
  async connectAll(): Promise<number> {
    const began = performance.now();
    const open = this.clients.filter(({ socket }) => socket.readyState === socket.OPEN);
    this.#former.push(...this.clients.filter((client) => !open.includes(client)));
    this.reconnected += this.clients.length - open.length;
    while (open.length < this.size) {
      const missing = Math.min(CONNECT_BATCH, this.size - open.length);
      const results = await Promise.allSettled(Array.from({ length: missing }, () => connect(this.url, this.options)));
      const connected = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      open.push(...connected);
      if (connected.length < missing) await delay(RETRY_MS);
    }
    this.clients = open;
    return Math.round(performance.now() - began);
  }

  /** Sends this many messages from each session, without waiting for the answers. */
  send(each: number): void {
    for (let count = 0; count < each; count++)
      for (const [index, client] of this.clients.entries()) {
        const receiver = this.clients[(index + 1) % this.clients.length]!.id;
        client.send({ type: 'load', receiver, id: String(this.#number++), data: 'x'.repeat(100) });
      }
  }

  /** Waits until each session has the answers to its messages. */
  async settle(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.settled()));
    await Promise.all(this.clients.map((client) => client.settled()));
  }

  countDeliveries(): DeliveryCount {
    return countDeliveries([...this.#former, ...this.clients]);
  }

  close(): void {
    for (const client of this.clients) client.terminate();
  }
}
