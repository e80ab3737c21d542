import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a port of 127.0.0.1 that can be cut, or swallow everything as a broken network does. */
export class Relay {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #holding = false;
  #refusing = false;

  private constructor(
    private readonly server: Server,
    private readonly to: number,
  ) {
    server.on('connection', (client) => this.#join(client));
  }

  static async start(to: number): Promise<Relay> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new Relay(server, to);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Carries nothing any more, and says nothing about it. */
  hold(): void {
    this.#holding = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Ends all connections and takes none. */
  cut(): void {
    this.#refusing = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Carries again, what was held too. */
  heal(): void {
    this.#holding = this.#refusing = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(client: Socket): void {
    if (this.#refusing) return void client.destroy();
    const pair = [client, connect(this.to, '127.0.0.1')] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [pair[1], pair[0]] as const]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#holding) from.pause();
    }
  }
}
