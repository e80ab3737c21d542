import { setTimeout as delay } from 'node:timers/promises';
import type { ClientOptions } from 'ws';
import { connect, type Client } from '../support/client.js';
import { tallyOf, type Tally } from '../support/tally.js';

const AT_A_TIME = 100;
/** Between two attempts to connect again. */
const RETRY_MS = 20;

/** Sessions in a ring, each of which sends numbered messages to the next. */
export class Load {
  clients: Client[] = [];
  /** Clients of former connections, whose messages still count. */
  readonly #former: Client[] = [];
  #number = 0;
  /** How many had to connect again. */
  reconnected = 0;

  constructor(
    private url: string,
    readonly size: number,
    private options: ClientOptions = {},
  ) {}

  /** From now on, everybody connects elsewhere. */
  move(url: string, options: ClientOptions): void {
    this.url = url;
    this.options = options;
  }

  /** Connects everybody who is not connected, however often it takes; returns the milliseconds until all were. */
  async gather(): Promise<number> {
    const began = performance.now();
    const open = this.clients.filter(({ socket }) => socket.readyState === socket.OPEN);
    this.#former.push(...this.clients.filter((client) => !open.includes(client)));
    this.reconnected += this.clients.length - open.length;
    while (open.length < this.size) {
      const missing = Math.min(AT_A_TIME, this.size - open.length);
      const results = await Promise.allSettled(Array.from({ length: missing }, () => connect(this.url, this.options)));
      const connected = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      open.push(...connected);
      if (connected.length < missing) await delay(RETRY_MS);
    }
    this.clients = open;
    return Math.round(performance.now() - began);
  }

  /** Everybody sends so many messages; the answers are not waited for. */
  send(each: number): void {
    for (let count = 0; count < each; count++)
      for (const [place, client] of this.clients.entries()) {
        const receiver = this.clients[(place + 1) % this.clients.length]!.id;
        client.send({ type: 'load', receiver, id: String(this.#number++), data: 'x'.repeat(100) });
      }
  }

  /** Waits until everybody has had the answers to what it sent. */
  async settle(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.settled()));
    await Promise.all(this.clients.map((client) => client.settled()));
  }

  tally(): Tally {
    return tallyOf([...this.#former, ...this.clients]);
  }

  close(): void {
    for (const client of this.clients) client.terminate();
  }
}
