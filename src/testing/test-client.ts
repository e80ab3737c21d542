import { newSocket, opened } from './handshake.js';
import { Inbox, limit, type Received } from './inbox.js';
import { RequestError } from './test-errors.js';

/** Milliseconds that a wait takes at most; less than the limit of a test in most runners. */
export const WAIT_LIMIT_MS = 3000;

export interface ConnectOptions {
  /** Sent as `Authorization: Bearer TOKEN`. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The `Origin` header, as a browser sends it. */
  readonly origin?: string;
  /** Subprotocols; none are offered by default. */
  readonly protocols?: readonly string[];
  /** Milliseconds that each wait of this client takes at most. */
  readonly timeoutMs?: number;
}

export interface Closed {
  /** The close code; 1006 where the connection was cut. */
  readonly code: number;
  readonly reason: string;
}

export interface RequestOptions {
  /** A session id, `*`, `@USER` or `#ROOM`. Without it, the handler of the type answers. */
  readonly receiver?: string;
}

/** The part of a `ws` socket that a client uses. */
export interface TestSocket {
  on(event: string, listener: (...parameters: never[]) => void): unknown;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** A session over a real socket. Keeps each message until a test takes it. */
export class TestClient<Data = unknown> {
  /** The first message, which has the settings that concern a client. */
  welcome!: Received<Data>;
  readonly #inbox = new Inbox();
  readonly #closed: Promise<Closed>;
  #requests = 0;

  constructor(
    readonly socket: TestSocket,
    private readonly timeoutMs: number = WAIT_LIMIT_MS,
  ) {
    socket.on('message', (data: Buffer) => this.#receive(data.toString()));
    socket.on('error', () => undefined); // a close follows each error
    this.#closed = new Promise((resolve) => {
      socket.on('close', (code: number, reason: Buffer) => {
        resolve({ code, reason: reason.toString() });
        this.#inbox.end(`the connection closed with ${`${code} ${reason.toString()}`.trimEnd()}`);
      });
    });
  }

  /** The session id. */
  get id(): string {
    return this.welcome.receiver;
  }

  /** Messages that were received and not taken. A test may empty the list. */
  get inbox(): Received<Data>[] {
    return this.#inbox.messages as Received<Data>[];
  }

  /** Sends an envelope such as `{ type: 'chat', receiver: bob.id, id: '1', data: 'hello' }`. */
  send(envelope: object): void {
    this.sendText(JSON.stringify(envelope));
  }

  /** Sends any text as one frame. */
  sendText(text: string): void {
    this.socket.send(text);
  }

  /**
   * Takes the next message of a type, or of any type, or waits for it. Other messages stay in the inbox.
   *
   * @throws {Error} after `timeoutMs`, or when the connection closes; the error lists the messages that arrived instead
   */
  async next<Type = Data>(type?: string): Promise<Received<Type>> {
    const fits = (envelope: Received): boolean => type === undefined || envelope.type === type;
    return (await this.#take(fits, type ?? 'a message')) as Received<Type>;
  }

  /** Takes the answer to the message with this `id`, which is the next message with this `ref`. @throws as {@link next} */
  async answer<Type = Data>(id: string): Promise<Received<Type>> {
    return (await this.#take(({ ref }) => ref === id, `the answer to ${id}`)) as Received<Type>;
  }

  /**
   * Sends a message and returns the data of its answer; `undefined` where the message is only acknowledged.
   *
   * @throws {RequestError} with the code of a `sys.error`
   * @throws {Error} for several answers, and as {@link next}
   */
  async request<Type = Data>(type: string, data?: unknown, options?: RequestOptions): Promise<Type> {
    const answers = await this.requestAll<Type>(type, data, options);
    if (answers.length > 1) throw new Error(`${type} was answered ${answers.length} times; use requestAll()`);
    return answers[0] as Type;
  }

  /**
   * Sends a message and returns the data of all answers, in order, once the server has acknowledged the message.
   *
   * @throws {RequestError} with the code of a `sys.error`, and as {@link next}
   */
  async requestAll<Type = Data>(type: string, data?: unknown, { receiver }: RequestOptions = {}): Promise<Type[]> {
    const id = `request-${++this.#requests}`;
    this.send({ type, receiver, id, data });
    const answers: Type[] = [];
    for (;;) {
      const answer = await this.answer<Type>(id);
      if (answer.type === 'sys.error') throw errorOf(type, answer);
      if (answer.type === 'sys.ack') return answers;
      answers.push(answer.data);
      // Answers of the server itself, such as `sys.sessions`, come in place of the acknowledgement.
      if (answer.type.startsWith('sys.')) return answers;
    }
  }

  /**
   * Resolves when the server has processed all messages that this client sent before, handlers apart, and when all
   * messages that the server sent to this client meanwhile are in the inbox.
   */
  async settled(): Promise<void> {
    const mark = `settled-${++this.#requests}`;
    this.send({ type: 'sys.ping', data: mark });
    await this.#take(({ type, data }) => type === 'sys.pong' && data === mark, 'sys.pong');
  }

  /** Waits until the connection has closed. @throws {Error} after `timeoutMs` */
  async untilClosed(): Promise<Closed> {
    let timer: NodeJS.Timeout | undefined;
    const limited = new Promise<never>((_, reject) => {
      const error = new Error(`the connection did not close within ${this.timeoutMs} ms`);
      timer = limit(this.timeoutMs, () => reject(error));
    });
    return Promise.race([this.#closed, limited]).finally(() => clearTimeout(timer));
  }

  /** Closes the connection with a closing handshake. */
  async close(code?: number, reason?: string): Promise<Closed> {
    this.socket.close(code, reason);
    return this.untilClosed();
  }

  /** Cuts the connection without a close frame, as a lost network does. */
  terminate(): void {
    this.socket.terminate();
  }

  async #take(fits: (envelope: Received) => boolean, what: string): Promise<Received> {
    return this.#inbox.take(fits, what, this.timeoutMs);
  }

  #receive(text: string): void {
    if (this.#inbox.add(JSON.parse(text) as Received)) return;
    this.#inbox.end('the inbox was full');
    this.socket.terminate();
  }
}

/**
 * Connects and waits for the welcome.
 *
 * @throws {HandshakeError} where the server rejects the connection
 */
export async function connectTestClient(
  url: string,
  { token, headers, origin, protocols = [], timeoutMs = WAIT_LIMIT_MS }: ConnectOptions = {},
): Promise<TestClient> {
  const socket = newSocket(url, protocols, {
    handshakeTimeout: timeoutMs,
    headers: { ...headers, ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    ...(origin !== undefined && { origin }),
  });
  const client = new TestClient(socket, timeoutMs);
  await opened(socket);
  client.welcome = await client.next('sys.welcome');
  return client;
}

function errorOf(type: string, { data }: Received): RequestError {
  const details = data as Readonly<Record<string, unknown>>;
  return new RequestError(type, String(details['code']), details);
}
