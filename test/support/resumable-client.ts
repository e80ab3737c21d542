import { TestClient, type Closed } from '../../src/testing/start.js';
import { quiescence } from './quiesce.js';
import { ResumableLine, type LineOptions, type ReturnOptions } from './resumable-line.js';
import type { Received } from './client.js';
import type { Cut, WireConnection } from './wire-connection.js';

/** A client whose session outlives its connections. Messages sent while it is away go out after the return. */
// Any shape, because tests read properties of any message.
// eslint-disable-next-line typescript/no-explicit-any
export class ResumableClient extends TestClient<any> {
  /** The text of every counted frame, in order. */
  readonly frames: string[] = [];
  /** The text of each `sys.seen` of the server. */
  readonly seen: string[] = [];

  private constructor(readonly line: ResumableLine) {
    super(line, Number.POSITIVE_INFINITY);
    line.on('message', (text: string) => this.frames.push(text));
    line.on('seen', (text: string) => this.seen.push(text));
  }

  /** Opens a session that can be resumed. */
  static async open({ port }: { readonly port: number }, options?: LineOptions): Promise<ResumableClient> {
    const client = new ResumableClient(new ResumableLine(port, options));
    client.welcome = await client.line.open();
    await quiescence.reached?.();
    return client;
  }

  /** Connects with a token of another client. */
  static async return({ port }: { readonly port: number }, options: ReturnOptions): Promise<ResumableClient> {
    const client = new ResumableClient(new ResumableLine(port, options));
    await client.resume(options);
    return client;
  }

  /** The current connection. */
  get connection(): WireConnection {
    return this.line.connection;
  }

  get token(): string {
    return this.line.token;
  }

  /** Loses the connection. */
  cut(cut?: Cut): void {
    this.line.cut(cut);
  }

  /** Closes the connection with a code that does not end the session; without a code the close frame is empty. */
  async leave(code?: number): Promise<Closed> {
    return this.connection.close(code);
  }

  /** Returns on a new connection, also where the one before is open. Returns the welcome. */
  async resume(options?: ReturnOptions): Promise<Received> {
    this.welcome = await this.line.return(options);
    await quiescence.reached?.();
    return this.welcome;
  }

  /** Sends one ping and waits for its pong: exactly one frame in each direction. */
  async ping(): Promise<void> {
    await super.settled();
  }

  /** Resolves when all messages sent before have had their effect, on all nodes. */
  override async settled(): Promise<void> {
    await super.settled();
    if (quiescence.reached === undefined) return;
    await quiescence.reached();
    await super.settled();
  }
}
