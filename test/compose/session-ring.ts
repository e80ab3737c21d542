import { setTimeout as delay } from 'node:timers/promises';
import type { ClientOptions } from 'ws';
import { connect, type Client } from '../support/client.js';

/** Below what one address may have; everybody is in twice for a moment. */
const SIZE = 100;
/** Between two attempts to come in. */
const RETRY_MS = 300;

/** Sessions in a ring that send numbered messages, each to the next, and come again when they are told to. */
export class SessionRing {
  readonly size = SIZE;
  /** Every connection there was. */
  readonly connections: Client[] = [];
  readonly #current: (Client | undefined)[] = Array.from({ length: SIZE }, () => undefined);
  readonly #lives: Promise<void>[];
  #number = 0;
  #leaving = false;
  #arrived: () => void = () => undefined;

  constructor(
    private readonly url: string,
    private readonly options: ClientOptions,
  ) {
    this.#lives = this.#current.map((_, place) => this.#live(place));
  }

  /** Resolves when each has an open connection. */
  async allConnected(): Promise<void> {
    while (this.#open().length < SIZE) await new Promise<void>((resolve) => (this.#arrived = resolve));
  }

  /** Lets so many messages be sent and waits for their answers, or for the end of the connections that owe them. */
  async exchange(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent++) {
      const place = sent % SIZE;
      const [sender, receiver] = [this.#current[place], this.#current[(place + 1) % SIZE]];
      if (sender !== undefined && receiver !== undefined)
        sender.send({ type: 'load', receiver: receiver.id, id: String(this.#number++), data: 'x'.repeat(100) });
    }
    await Promise.all(this.#open().map((client) => client.settled().catch(() => undefined)));
  }

  /** Exchanges without a pause until it is stopped. */
  startExchange(): { stop(): Promise<void> } {
    const talk = { goesOn: true };
    const done = this.#exchangeWhile(talk);
    return {
      stop: () => {
        talk.goesOn = false;
        return done;
      },
    };
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await Promise.all(this.#open().map((client) => client.close(1000)));
    await Promise.all(this.#lives);
  }

  async #exchangeWhile(talk: { goesOn: boolean }): Promise<void> {
    // While nobody is in, nothing waits for an answer.
    while (talk.goesOn) await Promise.all([this.exchange(SIZE), delay(10)]);
  }

  #open(): Client[] {
    return this.#current.filter(
      (client) => client !== undefined && client.socket.readyState === client.socket.OPEN,
    ) as Client[];
  }

  /** Comes in, stays until told to come again or cut off, and comes again when it is time. */
  async #live(place: number): Promise<void> {
    while (!this.#leaving) {
      const client = await connect(this.url, this.options).catch(() => undefined);
      if (client !== undefined) {
        this.connections.push(client);
        this.#current[place] = client;
        this.#arrived();
      }
      const notice = await client?.next('sys.reconnect').catch(() => undefined);
      if (!this.#leaving) await delay((notice?.data.afterMs as number | undefined) ?? RETRY_MS);
    }
  }
}
