import { setTimeout as delay } from 'node:timers/promises';
import type { ClientOptions } from 'ws';
import { connect, type Client } from '../support/client.js';

/** Far below MAX_CONNECTIONS_PER_ADDRESS, because each session may briefly have two connections. */
const SIZE = 100;
const RETRY_MS = 300;

/** Sessions in a ring; each sends numbered messages to the next, and reconnects after `sys.reconnect`. */
export class SessionRing {
  readonly size = SIZE;
  /** All connections, closed ones included. */
  readonly connections: Client[] = [];
  readonly #current: (Client | undefined)[] = Array.from({ length: SIZE }, () => undefined);
  readonly #loops: Promise<void>[];
  #number = 0;
  #closing = false;
  #onConnected: () => void = () => undefined;

  constructor(
    private readonly url: string,
    private readonly options: ClientOptions,
  ) {
    this.#loops = this.#current.map((_, index) => this.#keepConnected(index));
  }

  /** Resolves when each has an open connection. */
  async allConnected(): Promise<void> {
    while (this.#open().length < SIZE) await new Promise<void>((resolve) => (this.#onConnected = resolve));
  }

  /** Sends this many messages and waits until each is answered or its connection ends. */
  async exchange(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent++) {
      const index = sent % SIZE;
      const [sender, receiver] = [this.#current[index], this.#current[(index + 1) % SIZE]];
      if (sender !== undefined && receiver !== undefined)
        sender.send({ type: 'load', receiver: receiver.id, id: String(this.#number++), data: 'x'.repeat(100) });
    }
    await Promise.all(this.#open().map((client) => client.settled().catch(() => undefined)));
  }

  /** Exchanges messages continuously until stopped. */
  startExchange(): { stop(): Promise<void> } {
    const state = { isRunning: true };
    const done = this.#exchangeWhile(state);
    return {
      stop: () => {
        state.isRunning = false;
        return done;
      },
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#open().map((client) => client.close(1000)));
    await Promise.all(this.#loops);
  }

  async #exchangeWhile(state: { isRunning: boolean }): Promise<void> {
    // The delay matters while no session is connected, because an exchange then returns at once.
    while (state.isRunning) await Promise.all([this.exchange(SIZE), delay(10)]);
  }

  #open(): Client[] {
    return this.#current.filter(
      (client) => client !== undefined && client.socket.readyState === client.socket.OPEN,
    ) as Client[];
  }

  /** Connects, and reconnects after `sys.reconnect` or the end of the connection. */
  async #keepConnected(index: number): Promise<void> {
    while (!this.#closing) {
      const client = await connect(this.url, this.options).catch(() => undefined);
      if (client !== undefined) {
        this.connections.push(client);
        this.#current[index] = client;
        this.#onConnected();
      }
      const notice = await client?.next('sys.reconnect').catch(() => undefined);
      if (!this.#closing) await delay((notice?.data.afterMs as number | undefined) ?? RETRY_MS);
    }
  }
}
