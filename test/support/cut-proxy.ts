import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can cut connections, let nobody through, or swallow what is said as a dead network does. */
export class CutProxy {
  /** New connections end at once. */
  shut = false;
  /** What does not pass, and nobody is told. */
  swallows: 'nothing' | 'answers' | 'all' = 'nothing';
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (near) => this.#accept(near));
  }

  /** @param target a port of 127.0.0.1 */
  static async start(target: number): Promise<CutProxy> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new CutProxy(server, target);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/wss`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }

  #accept(near: Socket): void {
    if (this.shut) return void near.destroy();
    const far = connect(this.target, '127.0.0.1');
    this.#join(near, far, () => this.swallows === 'all');
    this.#join(far, near, () => this.swallows !== 'nothing');
  }

  #join(from: Socket, to: Socket, swallowed: () => boolean): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => swallowed() || to.write(bytes));
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!swallowed()) to.destroy();
    });
  }
}
