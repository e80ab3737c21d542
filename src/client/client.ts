import type { SessionEntry, SessionPage, Welcome } from '../protocol/tables/server-data.js';
import { ReconnectPolicy } from './reconnect-policy.js';
import { ServerConnection } from './server-connection.js';
import { Emitter } from './emitter.js';
import { PendingRequests } from './pending-requests.js';
import { SendError } from './send-error.js';
import type { SocketClass } from './socket.js';
import { TokenRefresher, type TokenSource } from './token-refresher.js';
import type { Ack, MessageMap, DataOf, Envelope, ReceivedMessage, Phase, StateChange } from './messages.js';

export interface ConnectOptions {
  /** Where the environment has none of its own, as in Node 20. */
  readonly WebSocket?: SocketClass;
  /** Asked for a token before each connection. */
  readonly token?: TokenSource;
  /** How long an answer may take, and the welcome of a connection. */
  readonly timeoutMs?: number;
  /** Messages that may wait while there is no connection. */
  readonly queueSize?: number;
  /** The bound of the first wait between attempts; it doubles up to `maxDelayMs`. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
}

export interface SendOptions {
  readonly timeoutMs?: number;
}

export interface WhoOptions extends SendOptions {
  /** Entries at the most. */
  readonly limit?: number;
}

const MAX_PAGE = 1000;
const SUBPROTOCOL = 'switchboard.v1';

/** A place in the conversation that survives its connections; each connection gives it another id. */
export class Client<Words extends object = MessageMap> {
  #phase: Phase = 'connecting';
  #id: string | undefined;
  #serverConnection: ServerConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #timeoutMs: number;
  readonly #socket: SocketClass;
  readonly #token: TokenRefresher;
  readonly #batchAccumulator: PendingRequests;
  readonly #reconnectPolicy: ReconnectPolicy;
  readonly #listeners = new Emitter<Envelope>();
  readonly #watchers = new Emitter<StateChange>();

  constructor(
    private readonly url: string,
    { WebSocket, token, timeoutMs = 10_000, queueSize = 256, minDelayMs = 1000, maxDelayMs = 30_000 }: ConnectOptions,
  ) {
    const socket = WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (socket === undefined) throw new TypeError('There is no WebSocket here: pass one, as { WebSocket }.');
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#token = new TokenRefresher(token);
    this.#batchAccumulator = new PendingRequests(queueSize);
    this.#reconnectPolicy = new ReconnectPolicy(minDelayMs, maxDelayMs);
    void this.#open();
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** This session's id; `undefined` while there is no connection. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Resolves to the session's id once there is a connection. @throws {SendError} `closed` if there will be none */
  ready(): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#phase !== 'open' && this.#phase !== 'closed') return;
        stop();
        if (this.#id !== undefined) resolve(this.#id);
        else reject(new SendError('closed', 'The client is closed.'));
      };
      const stop = this.onState(look);
      look();
    });
  }

  /**
   * Resolves when the server has put the message on the receiver's connection, or its handler is done.
   *
   * @param receiver a session's id, `*` for everyone else, `undefined` for the server's own handlers
   * @throws {SendError} where it was refused, or nobody knows
   */
  async send<Type extends keyof Words & string>(
    receiver: string | undefined,
    type: Type,
    data?: Words[Type],
    parts?: SendOptions,
  ): Promise<Ack> {
    return (await this.#ask({ type, receiver, data }, parts)).data as Ack;
  }

  /** Everybody who is connected, in the order of their ids, up to a limit. @throws {SendError} */
  async who({ limit = 10_000, ...parts }: WhoOptions = {}): Promise<SessionEntry[]> {
    const found: SessionEntry[] = [];
    let after: string | undefined;
    do {
      const data = { after, limit: Math.min(MAX_PAGE, limit - found.length) };
      const page = (await this.#ask({ type: 'sys.who', data }, parts)).data as SessionPage;
      found.push(...page.sessions);
      after = page.next;
    } while (after !== undefined && found.length < limit);
    return found;
  }

  /** Listens to a type, or with `*` to everything; returns the way to stop. */
  on<Type extends ReceivedMessage<Words>>(
    type: Type,
    listener: (envelope: Envelope<DataOf<Words, Type>>) => void,
  ): () => void {
    return this.#listeners.add(type, listener as (envelope: Envelope) => void);
  }

  /** Listens to the state of the connection; returns the way to stop. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#watchers.add('', listener);
  }

  /** Ends for good. What waits is rejected as `closed`, what awaits its answer as `unknown_outcome`. */
  close(): void {
    if (this.#serverConnection) this.#serverConnection.close();
    else if (this.#phase !== 'closed') this.#finish({ code: 1000, reason: '' });
  }

  async #open(): Promise<void> {
    this.#become({ phase: 'connecting' });
    let token: string | undefined;
    try {
      token = await this.#token.fetch();
    } catch {
      if (this.#phase === 'connecting') this.#ended(1006, 'no_token');
      return;
    }
    if (this.#phase !== 'connecting') return; // closed meanwhile
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
    try {
      this.#serverConnection = new ServerConnection(
        new this.#socket(this.url, protocols),
        this.#events(),
        this.#timeoutMs,
      );
    } catch (error) {
      this.#finish({ code: 1006, reason: String(error) }); // an address or a token that cannot be: no use in trying again
    }
  }

  #events() {
    return {
      received: (envelope: Envelope): void => this.#received(envelope),
      ended: (code: number, reason: string): void => this.#ended(code, reason),
    };
  }

  #received(envelope: Envelope): void {
    this.#batchAccumulator.answered(envelope);
    if (envelope.type === 'sys.reconnect') this.#reconnectPolicy.asked((envelope.data as { afterMs: number }).afterMs);
    if (envelope.type === 'sys.welcome') this.#welcomed(envelope as Envelope<Welcome>);
    this.#listeners.emit(envelope.type, envelope);
    this.#listeners.emit('*', envelope);
  }

  #welcomed({ receiver, data }: Envelope<Welcome>): void {
    this.#id = receiver;
    this.#reconnectPolicy.opened();
    this.#token.watch((token) => this.#ask({ type: 'sys.auth', data: { token } }));
    this.#become({ phase: 'open', id: receiver });
    const line = this.#serverConnection;
    if (line) this.#batchAccumulator.open(data.maxMessageBytes, (text) => line.send(text));
  }

  #ended(code: number, reason: string): void {
    this.#serverConnection = undefined;
    this.#id = undefined;
    this.#token.rest();
    const delayMs = this.#reconnectPolicy.delayMs(code);
    if (delayMs === undefined) return this.#finish({ code, reason });
    this.#batchAccumulator.lost();
    this.#timer = setTimeout(() => void this.#open(), delayMs);
    this.#become({ phase: 'waiting', code, reason, delayMs });
  }

  #finish(why: { readonly code: number; readonly reason: string }): void {
    clearTimeout(this.#timer);
    this.#batchAccumulator.end(why.reason || 'The client is closed.');
    this.#become({ phase: 'closed', ...why });
  }

  #ask(fields: object, { timeoutMs = this.#timeoutMs }: SendOptions = {}): Promise<Envelope> {
    if (this.#phase === 'closed') return Promise.reject(new SendError('closed', 'The client is closed.'));
    return this.#batchAccumulator.add(fields, timeoutMs);
  }

  #become(change: StateChange): void {
    this.#phase = change.phase;
    this.#watchers.emit('', change);
  }
}
