import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

type Pair = readonly [client: Socket, target: Socket];

/** A TCP proxy in front of a port of 127.0.0.1 that simulates network faults. */
export class FaultProxy {
  /** Closes each new connection at once. */
  refusesNew = false;
  /** Connections that were closed at once. */
  refused = 0;
  /** Bytes that are dropped without a reset, as a dead network drops them. */
  discards: 'nothing' | 'responses' | 'everything' = 'nothing';
  readonly #pairs = new Set<Pair>();
  #stalled = false;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (client) => this.#accept(client));
  }

  /** @param target a port of 127.0.0.1 */
  static async start(target: number): Promise<FaultProxy> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new FaultProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections of clients that are open. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** `ws://127.0.0.1:PORT/wss` */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/wss`;
  }

  /** Destroys all connections. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Destroys all connections and accepts none until {@link enable}. */
  disable(): void {
    this.refusesNew = true;
    this.cut();
  }

  /** Stops reading all connections; {@link enable} delivers the bytes sent meanwhile. */
  stall(): void {
    this.#stalled = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Ends {@link disable} and {@link stall}. */
  enable(): void {
    this.#stalled = this.refusesNew = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.disable();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.refusesNew) {
      this.refused++;
      client.destroy();
      return;
    }
    const target = connect(this.target, '127.0.0.1');
    const pair = [client, target] as const;
    this.#pairs.add(pair);
    this.#forward(pair, client, target, () => this.discards === 'everything');
    this.#forward(pair, target, client, () => this.discards !== 'nothing');
  }

  #forward(pair: Pair, from: Socket, to: Socket, isDiscarded: () => boolean): void {
    from.setNoDelay(true);
    from.on('data', (bytes) => isDiscarded() || to.write(bytes));
    from.on('error', () => undefined);
    from.on('close', () => {
      if (!isDiscarded()) to.destroy();
      if (pair[0].destroyed && pair[1].destroyed) this.#pairs.delete(pair);
    });
    if (this.#stalled) from.pause();
  }
}
