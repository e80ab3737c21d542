import type { ClientOptions, WebSocket } from 'ws';
import { newSocket, opened } from '../../src/testing/handshake.js';
import { TestClient, type Closed, type Received as AnyReceived } from '../../src/testing/start.js';
import { quiescence } from './quiesce.js';

export type { Closed } from '../../src/testing/start.js';

/** An envelope as received by a client. */
// Any shape, because tests read properties of any message.
// eslint-disable-next-line typescript/no-explicit-any
export type Received = AnyReceived<any>;

/** A client that keeps the raw frames too. Its waits have no limit but that of the test, which some load heavily. */
// eslint-disable-next-line typescript/no-explicit-any
export class Client extends TestClient<any> {
  /** The raw text of every frame, in order. */
  readonly frames: string[] = [];
  readonly closed: Promise<Closed> = this.untilClosed();

  constructor(override readonly socket: WebSocket) {
    super(socket, Number.POSITIVE_INFINITY);
    socket.on('message', (data) => this.frames.push((data as Buffer).toString()));
  }

  /** Resolves when all messages sent before have had their effect, on all nodes. */
  override async settled(): Promise<void> {
    await super.settled();
    if (quiescence.reached === undefined) return;
    await quiescence.reached();
    await super.settled();
  }
}

/** Connects and takes the welcome. */
export async function connect(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<Client> {
  const { protocols = [], ...others } = options;
  const socket = newSocket(url, protocols, others);
  const client = new Client(socket);
  await opened(socket);
  client.welcome = await client.next();
  await quiescence.reached?.();
  return client;
}
