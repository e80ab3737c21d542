import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { quiescence } from './quiesce.js';

/** An envelope as received by a client. */
export interface Received {
  readonly type: string;
  readonly sender: string;
  readonly receiver: string;
  readonly ref?: string;
  readonly id?: string;
  // Any shape, because tests read properties of any message.
  // eslint-disable-next-line typescript/no-explicit-any
  readonly data?: any;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

interface Waiter {
  readonly fits: (envelope: Received) => boolean;
  readonly what: string;
  readonly resolve: (envelope: Received) => void;
  readonly reject: (error: Error) => void;
}

/** A client that keeps each envelope until a test takes it. */
export class Client {
  /** Envelopes received and not yet taken by {@link next}. */
  readonly inbox: Received[] = [];
  /** The raw text of every frame, in order. */
  readonly frames: string[] = [];
  readonly closed: Promise<Closed>;
  readonly #waiters: Waiter[] = [];
  welcome!: Received;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => this.#receive((data as Buffer).toString()));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const { reject, what } of this.#waiters.splice(0))
          reject(new Error(`closed with ${code} while waiting for ${what}`));
      });
    });
  }

  get id(): string {
    return this.welcome.receiver;
  }

  send(envelope: object): void {
    this.socket.send(JSON.stringify(envelope));
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Takes the next envelope (of a type); the others stay in the inbox. */
  async next(type?: string): Promise<Received> {
    return this.#take((envelope) => type === undefined || envelope.type === type, type ?? 'a message');
  }

  /** Takes the answer to the message with this id. */
  async answer(id: string): Promise<Received> {
    return this.#take(({ ref }) => ref === id, `the answer to ${id}`);
  }

  /** Resolves when all messages sent before have had their effect. */
  async settled(): Promise<void> {
    await this.#answered();
    if (quiescence.reached === undefined) return;
    await quiescence.reached();
    await this.#answered();
  }

  async close(code?: number, reason?: string): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  /** Cuts the connection without a close frame. */
  terminate(): void {
    this.socket.terminate();
  }

  async #answered(): Promise<void> {
    this.send({ type: 'sys.ping', data: 'settled' });
    while ((await this.next('sys.pong')).data !== 'settled');
  }

  async #take(fits: (envelope: Received) => boolean, what: string): Promise<Received> {
    const index = this.inbox.findIndex(fits);
    if (index !== -1) return this.inbox.splice(index, 1)[0]!;
    return new Promise((resolve, reject) => this.#waiters.push({ fits, what, resolve, reject }));
  }

  #receive(text: string): void {
    this.frames.push(text);
    const envelope = JSON.parse(text) as Received;
    const index = this.#waiters.findIndex(({ fits }) => fits(envelope));
    if (index === -1) this.inbox.push(envelope);
    else this.#waiters.splice(index, 1)[0]!.resolve(envelope);
  }
}

/** Connects and takes the welcome. */
export async function connect(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<Client> {
  const { protocols = [], ...others } = options;
  const socket = new WebSocket(url, protocols, others);
  const client = new Client(socket);
  await Promise.race([
    once(socket, 'open'),
    client.closed.then(({ code }) => Promise.reject(new Error(`could not connect (${code})`))),
  ]);
  client.welcome = await client.next();
  await quiescence.reached?.();
  return client;
}
