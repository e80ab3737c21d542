import type { SessionEntry, SessionPage, Welcome } from '../protocol/server-data.js';
import { Comeback } from './comeback.js';
import { Line } from './line.js';
import { Listeners } from './listeners.js';
import { Outgoing } from './outgoing.js';
import { SendError } from './send-error.js';
import type { SocketClass } from './socket.js';
import { TokenKeeper, type TokenSource } from './token-keeper.js';
import type { Ack, AnyWords, DataOf, Envelope, Heard, Phase, StateChange } from './words.js';

export interface ConnectParts {
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

export interface SendParts {
  readonly timeoutMs?: number;
}

export interface WhoParts extends SendParts {
  /** Entries at the most. */
  readonly limit?: number;
}

const MAX_PAGE = 1000;
const SUBPROTOCOL = 'switchboard.v1';

/** A place in the conversation that survives its connections; each connection gives it another id. */
export class Client<Words extends object = AnyWords> {
  #phase: Phase = 'connecting';
  #id: string | undefined;
  #line: Line | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #timeoutMs: number;
  readonly #socket: SocketClass;
  readonly #token: TokenKeeper;
  readonly #outgoing: Outgoing;
  readonly #comeback: Comeback;
  readonly #listeners = new Listeners<Envelope>();
  readonly #watchers = new Listeners<StateChange>();

  constructor(
    private readonly url: string,
    { WebSocket, token, timeoutMs = 10_000, queueSize = 256, minDelayMs = 1000, maxDelayMs = 30_000 }: ConnectParts,
  ) {
    const socket = WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (socket === undefined) throw new TypeError('There is no WebSocket here: pass one, as { WebSocket }.');
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#token = new TokenKeeper(token);
    this.#outgoing = new Outgoing(queueSize);
    this.#comeback = new Comeback(minDelayMs, maxDelayMs);
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
    parts?: SendParts,
  ): Promise<Ack> {
    return (await this.#ask({ type, receiver, data }, parts)).data as Ack;
  }

  /** Everybody who is connected, in the order of their ids, up to a limit. @throws {SendError} */
  async who({ limit = 10_000, ...parts }: WhoParts = {}): Promise<SessionEntry[]> {
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
  on<Type extends Heard<Words>>(type: Type, listener: (envelope: Envelope<DataOf<Words, Type>>) => void): () => void {
    return this.#listeners.add(type, listener as (envelope: Envelope) => void);
  }

  /** Listens to the state of the connection; returns the way to stop. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#watchers.add('', listener);
  }

  /** Ends for good. What waits is rejected as `closed`, what awaits its answer as `unknown_outcome`. */
  close(): void {
    if (this.#line) this.#line.close();
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
      this.#line = new Line(new this.#socket(this.url, protocols), this.#events(), this.#timeoutMs);
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
    this.#outgoing.answered(envelope);
    if (envelope.type === 'sys.reconnect') this.#comeback.asked((envelope.data as { afterMs: number }).afterMs);
    if (envelope.type === 'sys.welcome') this.#welcomed(envelope as Envelope<Welcome>);
    this.#listeners.tell(envelope.type, envelope);
    this.#listeners.tell('*', envelope);
  }

  #welcomed({ receiver, data }: Envelope<Welcome>): void {
    this.#id = receiver;
    this.#comeback.opened();
    this.#token.watch((token) => this.#ask({ type: 'sys.auth', data: { token } }));
    this.#become({ phase: 'open', id: receiver });
    const line = this.#line;
    if (line) this.#outgoing.open(data.maxMessageBytes, (text) => line.send(text));
  }

  #ended(code: number, reason: string): void {
    this.#line = undefined;
    this.#id = undefined;
    this.#token.rest();
    const delayMs = this.#comeback.delayMs(code);
    if (delayMs === undefined) return this.#finish({ code, reason });
    this.#outgoing.lost();
    this.#timer = setTimeout(() => void this.#open(), delayMs);
    this.#become({ phase: 'waiting', code, reason, delayMs });
  }

  #finish(why: { readonly code: number; readonly reason: string }): void {
    clearTimeout(this.#timer);
    this.#outgoing.end(why.reason || 'The client is closed.');
    this.#become({ phase: 'closed', ...why });
  }

  #ask(fields: object, { timeoutMs = this.#timeoutMs }: SendParts = {}): Promise<Envelope> {
    if (this.#phase === 'closed') return Promise.reject(new SendError('closed', 'The client is closed.'));
    return this.#outgoing.add(fields, timeoutMs);
  }

  #become(change: StateChange): void {
    this.#phase = change.phase;
    this.#watchers.tell('', change);
  }
}
