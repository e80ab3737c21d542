import { Deferred } from './deferred.js';
import type { Received } from './client.js';
import { RoamingLine, type Place } from './roaming-line.js';

/** A client of a test that waits for what its {@link RoamingLine} reports. */
export class Roamer {
  /** Messages received and not taken, in order. */
  readonly inbox: Received[] = [];
  #wake: () => void = () => undefined;
  #connected = new Deferred();
  #lost = new Deferred();
  readonly #line = new RoamingLine({
    opened: () => this.#connected.resolve(),
    returned: () => this.#connected.resolve(),
    message: (message) => {
      this.inbox.push(message);
      this.#wake();
    },
    lost: () => {
      this.#lost.resolve();
      this.#connected.reject(new Error('the connection is lost'));
    },
    refused: (status) => this.#connected.reject(new Error(`refused with ${status}`)),
  });

  get id(): string {
    return this.#line.id;
  }

  get token(): string {
    return this.#line.token;
  }

  get returns(): number {
    return this.#line.returns;
  }

  get breaches(): readonly string[] {
    return this.#line.breaches;
  }

  /** The data of the last welcome. */
  get welcome(): object {
    return this.#line.welcome;
  }

  /** Opens a session. @param offer a subprotocol in place of `resume` */
  async open(place: Place, offer?: string): Promise<void> {
    await this.#connect(() => this.#line.connect(place, { offer }));
  }

  /** Connects with the token of the session, after its connection is cut. @throws {Error} where the handshake is refused */
  async return(
    place: Place,
    before: 'cut the connection' | 'keep the connection' = 'cut the connection',
  ): Promise<void> {
    if (before === 'cut the connection') this.#line.cut();
    await this.#connect(() => this.#line.connect(place, { before }));
  }

  /** Resolves when the connection is lost. */
  async lost(): Promise<void> {
    await this.#lost.promise;
  }

  /** Resolves with the close code of the connection that is open now. */
  closeCode(): Promise<number> {
    return this.#line.closeCode();
  }

  send(message: object): void {
    this.#line.send(message);
  }

  cut(): void {
    this.#line.cut();
  }

  close(): void {
    this.#line.close();
  }

  /** Takes the next message of a type and leaves the others. */
  async next(type: string): Promise<Received> {
    return this.#take((message) => message.type === type);
  }

  /** Takes the answer to a request. */
  async answer(id: string): Promise<Received> {
    return this.#take(({ ref }) => ref === id);
  }

  async #connect(begin: () => void): Promise<void> {
    this.#connected = new Deferred();
    this.#connected.promise.catch(() => undefined); // also where a connection is lost later
    const { promise } = this.#connected;
    begin();
    await promise;
    this.#lost = new Deferred();
  }

  async #take(matches: (message: Received) => boolean): Promise<Received> {
    for (;;) {
      const index = this.inbox.findIndex(matches);
      if (index >= 0) return this.inbox.splice(index, 1)[0]!;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
