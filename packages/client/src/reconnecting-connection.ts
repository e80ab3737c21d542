import type { ConnectOptions } from './connect-options.js';
import type { Phase, StateChange } from './messages.js';
import { ReconnectPolicy } from './reconnect-policy.js';
import { ServerConnection } from './server-connection.js';
import type { SocketClass } from './socket.js';
import { TokenRefresher } from './token-refresher.js';
import type { Envelope, Reconnect, Welcome } from './wire.js';

const SUBPROTOCOL = 'switchboard.v1';

export interface ConnectionListener {
  received(envelope: Envelope): void;
  /** Called after each change of the phase; with the welcome when open. */
  changed(change: StateChange, welcome?: Welcome): void;
  /** Sends a new token to the server; rejects where the server refuses the token. */
  renew(token: string): Promise<unknown>;
}

/** Keeps one connection to a server: connects, fetches and renews tokens, and reconnects until the end. */
export class ReconnectingConnection {
  #phase: Phase = 'connecting';
  #id: string | undefined;
  #connection: ServerConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #timeoutMs: number;
  readonly #socketClass: SocketClass;
  readonly #token: TokenRefresher;
  readonly #policy: ReconnectPolicy;

  /** @throws {TypeError} where the environment has no WebSocket and the options name none */
  constructor(
    private readonly url: string,
    private readonly listener: ConnectionListener,
    { WebSocket, token, timeoutMs, minDelayMs = 1000, maxDelayMs = 30_000 }: ConnectOptions & { timeoutMs: number },
  ) {
    const socketClass = WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (socketClass === undefined) throw new TypeError('There is no global WebSocket: pass one, as { WebSocket }.');
    this.#socketClass = socketClass;
    this.#timeoutMs = timeoutMs;
    this.#token = new TokenRefresher(token, timeoutMs);
    this.#policy = new ReconnectPolicy(minDelayMs, maxDelayMs);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The session id; `undefined` while there is no connection. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Bytes that wait in the socket; 0 where the socket does not count them. */
  get bufferedBytes(): number {
    return this.#connection?.bufferedBytes ?? 0;
  }

  send(text: string): void {
    this.#connection?.send(text);
  }

  async connect(): Promise<void> {
    this.#change({ phase: 'connecting' });
    let token: string | undefined;
    try {
      token = await this.#token.fetch();
    } catch {
      if (this.#phase === 'connecting') this.#disconnected(1006, 'no_token');
      return;
    }
    if (this.#phase !== 'connecting') return; // closed while the token was fetched
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
    const events = {
      received: (envelope: Envelope) => this.#received(envelope),
      closed: (code: number, reason: string) => this.#disconnected(code, reason),
    };
    try {
      this.#connection = new ServerConnection(new this.#socketClass(this.url, protocols), events, this.#timeoutMs);
    } catch (error) {
      this.#finish(1006, String(error)); // invalid URL or token: every further attempt would fail, too
    }
  }

  /** Cuts the connection, or ends the wait for the next attempt, and connects at once. No effect once closed. */
  reconnect(): void {
    this.#connection?.cut('reconnect'); // the phase becomes `waiting`
    if (this.#phase !== 'waiting') return; // closed, or a token is being fetched for a new connection
    clearTimeout(this.#timer);
    void this.connect();
  }

  /** Closes without reconnecting. */
  close(): void {
    if (this.#connection) this.#connection.close();
    else if (this.#phase !== 'closed') this.#finish(1000, '');
  }

  #received(envelope: Envelope): void {
    if (envelope.type === 'sys.reconnect') this.#policy.scheduled((envelope.data as Reconnect).afterMs);
    if (envelope.type === 'sys.welcome') this.#connected(envelope as Envelope<Welcome>);
    this.listener.received(envelope);
  }

  #connected({ receiver, data }: Envelope<Welcome>): void {
    this.#id = receiver;
    this.#policy.connected();
    this.#token.start((token) => this.listener.renew(token));
    this.#change({ phase: 'open', id: receiver }, data);
  }

  #disconnected(code: number, reason: string): void {
    this.#connection = undefined;
    this.#id = undefined;
    this.#token.stop();
    const delayMs = this.#policy.delayMs(code);
    if (delayMs === undefined) return this.#finish(code, reason);
    this.#timer = setTimeout(() => void this.connect(), delayMs);
    this.#change({ phase: 'waiting', code, reason, delayMs });
  }

  #finish(code: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#token.stop();
    this.#change({ phase: 'closed', code, reason });
  }

  #change(change: StateChange, welcome?: Welcome): void {
    this.#phase = change.phase;
    this.listener.changed(change, welcome);
  }
}
