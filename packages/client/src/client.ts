import type { SessionEntry, SessionPage, Welcome } from './wire.js';
import { Emitter } from './emitter.js';
import type { Ack, DataOf, Envelope, MessageMap, Phase, ReceivedMessage, StateChange } from './messages.js';
import { PendingRequests } from './pending-requests.js';
import { ReconnectPolicy } from './reconnect-policy.js';
import { SendError } from './send-error.js';
import { ServerConnection, type ConnectionEvents } from './server-connection.js';
import type { SocketClass } from './socket.js';
import { TokenRefresher, type TokenSource } from './token-refresher.js';

export interface ConnectOptions {
  /** The WebSocket class to use; required where the environment has no global one, as in Node 20. */
  readonly WebSocket?: SocketClass;
  /** Called for a token before each connection. */
  readonly token?: TokenSource;
  /** Milliseconds until a request without an answer, or a connection without a welcome, has failed. */
  readonly timeoutMs?: number;
  /** Messages that may wait for a connection. */
  readonly queueSize?: number;
  /** Upper bound of the first wait between two attempts; the bound doubles with each failure, up to `maxDelayMs`. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
}

export interface SendOptions {
  readonly timeoutMs?: number;
}

export interface WhoOptions extends SendOptions {
  /** The largest number of sessions to return. */
  readonly limit?: number;
}

const MAX_PAGE = 1000;
const SUBPROTOCOL = 'switchboard.v1';

/** Connects to a server and reconnects after each lost connection; every connection has a session id of its own. */
export class Client<Messages extends object = MessageMap> {
  #phase: Phase = 'connecting';
  #id: string | undefined;
  #connection: ServerConnection | undefined;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #socketClass: SocketClass;
  readonly #token: TokenRefresher;
  readonly #requests: PendingRequests;
  readonly #reconnectPolicy: ReconnectPolicy;
  readonly #messages = new Emitter<Envelope>();
  readonly #states = new Emitter<StateChange>();

  /** @throws {TypeError} where the environment has no WebSocket and the options name none */
  constructor(
    url: string,
    { WebSocket, token, timeoutMs = 10_000, queueSize = 256, minDelayMs = 1000, maxDelayMs = 30_000 }: ConnectOptions,
  ) {
    const socketClass = WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (socketClass === undefined) throw new TypeError('There is no global WebSocket: pass one, as { WebSocket }.');
    this.#url = url;
    this.#socketClass = socketClass;
    this.#timeoutMs = timeoutMs;
    this.#token = new TokenRefresher(token);
    this.#requests = new PendingRequests(queueSize);
    this.#reconnectPolicy = new ReconnectPolicy(minDelayMs, maxDelayMs);
    void this.#connect();
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The session id; `undefined` while there is no connection. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Resolves to the session id once connected. @throws {SendError} `closed` if the client has closed */
  ready(): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (this.#phase !== 'open' && this.#phase !== 'closed') return;
        unsubscribe();
        if (this.#id !== undefined) resolve(this.#id);
        else reject(clientClosed());
      };
      const unsubscribe = this.onState(check);
      check();
    });
  }

  /**
   * Resolves when the server has written the message to the receiver's connection, or when the handler has finished.
   *
   * @param receiver a session id, `*` for every other session, `undefined` for a handler of the server
   * @throws {SendError} if the message was rejected, or its outcome is unknown
   */
  async send<Type extends keyof Messages & string>(
    receiver: string | undefined,
    type: Type,
    data?: Messages[Type],
    options?: SendOptions,
  ): Promise<Ack> {
    return (await this.#request({ type, receiver, data }, options)).data as Ack;
  }

  /** Lists the connected sessions in the order of their ids, 10,000 unless limited otherwise. @throws {SendError} */
  async who({ limit = 10_000, ...options }: WhoOptions = {}): Promise<SessionEntry[]> {
    const sessions: SessionEntry[] = [];
    let after: string | undefined;
    do {
      const data = { after, limit: Math.min(MAX_PAGE, limit - sessions.length) };
      const page = (await this.#request({ type: 'sys.who', data }, options)).data as SessionPage;
      sessions.push(...page.sessions);
      after = page.next;
    } while (after !== undefined && sessions.length < limit);
    return sessions;
  }

  /** Subscribes to messages of a type, or of every type with `*`. Returns a function that unsubscribes. */
  on<Type extends ReceivedMessage<Messages>>(
    type: Type,
    listener: (envelope: Envelope<DataOf<Messages, Type>>) => void,
  ): () => void {
    return this.#messages.add(type, listener as (envelope: Envelope) => void);
  }

  /** Subscribes to changes of `phase`. Returns a function that unsubscribes. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#states.add('', listener);
  }

  /** Closes without reconnecting. Rejects queued messages with `closed` and unanswered ones with `unknown_outcome`. */
  close(): void {
    if (this.#connection) this.#connection.close();
    else if (this.#phase !== 'closed') this.#finish(1000, '');
  }

  async #connect(): Promise<void> {
    this.#setState({ phase: 'connecting' });
    let token: string | undefined;
    try {
      token = await this.#token.fetch();
    } catch {
      if (this.#phase === 'connecting') this.#disconnected(1006, 'no_token');
      return;
    }
    if (this.#phase !== 'connecting') return; // closed while the token was fetched
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
    try {
      const socket = new this.#socketClass(this.#url, protocols);
      this.#connection = new ServerConnection(socket, this.#connectionEvents(), this.#timeoutMs);
    } catch (error) {
      this.#finish(1006, String(error)); // invalid URL or token: every further attempt would fail, too
    }
  }

  #connectionEvents(): ConnectionEvents {
    return {
      received: (envelope) => this.#received(envelope),
      closed: (code, reason) => this.#disconnected(code, reason),
    };
  }

  #received(envelope: Envelope): void {
    this.#requests.settle(envelope);
    if (envelope.type === 'sys.reconnect')
      this.#reconnectPolicy.scheduled((envelope.data as { afterMs: number }).afterMs);
    if (envelope.type === 'sys.welcome') this.#connected(envelope as Envelope<Welcome>);
    this.#messages.emit(envelope.type, envelope);
    this.#messages.emit('*', envelope);
  }

  #connected({ receiver, data }: Envelope<Welcome>): void {
    this.#id = receiver;
    this.#reconnectPolicy.connected();
    this.#token.start((token) => this.#request({ type: 'sys.auth', data: { token } }));
    this.#setState({ phase: 'open', id: receiver });
    const connection = this.#connection;
    if (connection) this.#requests.open(data.maxMessageBytes, (text) => connection.send(text));
  }

  #disconnected(code: number, reason: string): void {
    this.#connection = undefined;
    this.#id = undefined;
    this.#token.stop();
    const delayMs = this.#reconnectPolicy.delayMs(code);
    if (delayMs === undefined) return this.#finish(code, reason);
    this.#requests.failSent();
    this.#reconnectTimer = setTimeout(() => void this.#connect(), delayMs);
    this.#setState({ phase: 'waiting', code, reason, delayMs });
  }

  #finish(code: number, reason: string): void {
    clearTimeout(this.#reconnectTimer);
    this.#requests.failAll(reason || CLOSED);
    this.#setState({ phase: 'closed', code, reason });
  }

  #request(fields: object, { timeoutMs = this.#timeoutMs }: SendOptions = {}): Promise<Envelope> {
    if (this.#phase === 'closed') return Promise.reject(clientClosed());
    return this.#requests.add(fields, timeoutMs);
  }

  #setState(change: StateChange): void {
    this.#phase = change.phase;
    this.#states.emit('', change);
  }
}

const CLOSED = 'The client is closed.';

function clientClosed(): SendError {
  return new SendError('closed', CLOSED);
}
