import type { ConnectOptions } from './connect-options.js';
import { MAX_DELAY_MS, MIN_DELAY_MS, PROBE_GAP_MS, RESUME_BUFFER } from './limits.js';
import type { Phase, StateChange } from './messages.js';
import { nowMs } from './monotonic.js';
import { watchPage, type PageListener } from './page-life.js';
import type { Sender } from './pending-requests.js';
import { ReconnectPolicy } from './reconnect-policy.js';
import { Resumption } from './resumption.js';
import { ServerConnection, type ConnectionEvents } from './server-connection.js';
import type { SocketClass } from './socket.js';
import { TokenRefresher, type TokenListener } from './token-refresher.js';
import type { Envelope, Reconnect, Seen, Welcome } from './wire.js';

export interface ConnectionListener extends TokenListener {
  received(envelope: Envelope): void;
  /** Called after each change of the phase, with the welcome when open, and again where a session can no longer return. */
  changed(change: StateChange, welcome?: Welcome): void;
}

/** Keeps one connection to a server: connects, fetches and renews tokens, and reconnects until the end. */
export class ReconnectingConnection implements ConnectionEvents, PageListener, Sender {
  /** Written by this class alone. */
  phase: Phase = 'connecting';
  /** The session id; `undefined` while there is no connection. Written by this class alone. */
  id: string | undefined;
  #connection: ServerConnection | undefined;
  /** The wait for the next attempt, or for a probe. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextProbeMs = 0;
  #last!: StateChange;
  /** Counts what ends an attempt, so that a token that arrives afterwards is not used. */
  #ended = 0;
  readonly #timeoutMs: number;
  readonly #socketClass: SocketClass;
  readonly #token: TokenRefresher;
  readonly #policy: ReconnectPolicy;
  readonly #asksToResume: boolean;
  readonly #resumption: Resumption;
  readonly #unwatch: () => void;

  /** @throws {TypeError} where the environment has no WebSocket and the options name none */
  constructor(
    private readonly url: string,
    private readonly listener: ConnectionListener,
    {
      WebSocket = (globalThis as { WebSocket?: SocketClass }).WebSocket,
      token,
      timeoutMs,
      minDelayMs = MIN_DELAY_MS,
      maxDelayMs = MAX_DELAY_MS,
      resume = true,
      resumeBufferSize = RESUME_BUFFER,
    }: ConnectOptions & { timeoutMs: number },
  ) {
    if (!WebSocket) throw new TypeError('No WebSocket: pass one.');
    this.#socketClass = WebSocket;
    this.#timeoutMs = timeoutMs;
    this.#token = new TokenRefresher(token, timeoutMs, listener);
    this.#policy = new ReconnectPolicy(minDelayMs, maxDelayMs);
    this.#asksToResume = resume;
    this.#resumption = new Resumption(resumeBufferSize, {
      report: (text) => this.#connection?.write(text, 'sys.seen'),
      expired: () => listener.changed(this.#last),
    });
    this.#unwatch = (WebSocket.watchPage ?? watchPage)(this);
  }

  /** Bytes that wait in the socket; 0 where the socket does not count them. */
  get bufferedBytes(): number {
    return this.#connection?.bufferedBytes ?? 0;
  }

  get isFull(): boolean {
    return this.#resumption.isFull;
  }

  /** @param id the `ref` of the answer */
  send(text: string, id?: string): void {
    this.#connection?.send(text, id);
  }

  async connect(): Promise<void> {
    const ended = this.#ended;
    this.#change({ phase: 'connecting' });
    const token = await this.#token.fetch().catch(() => null);
    if (this.#ended !== ended) return;
    if (token === null) return this.closed(1006, 'no_token');
    const protocols = ['switchboard.v1'];
    if (token !== undefined) protocols.push(`bearer.${token}`);
    if (this.#asksToResume) protocols.push(this.#resumption.offer());
    try {
      this.#connection = new ServerConnection(new this.#socketClass(this.url, protocols), this, this.#timeoutMs);
    } catch (error) {
      // Without a token the URL is invalid, so every further attempt would fail, too. A token must not be shown.
      if (token === undefined) this.#finish(1006, String(error));
      else this.closed(1006, 'bad_url_or_token');
    }
  }

  /** Cuts the connection, or ends the wait for the next attempt, and connects at once. No effect once closed. */
  reconnect(): void {
    this.#connection?.cut('reconnect'); // the phase becomes `waiting`
    if (this.phase !== 'waiting') return; // closed, or a token is being fetched for a new connection
    clearTimeout(this.#timer);
    this.#nextProbeMs = 0;
    void this.connect();
  }

  /** Checks the connection, or ends the wait for the next attempt, if the server did not ask for it; once in {@link PROBE_GAP_MS}. */
  probe(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#policy.reset();
        if (this.#connection) this.#connection.probe();
        else this.reconnect();
        this.#nextProbeMs = nowMs() + PROBE_GAP_MS;
      },
      this.#nextProbeMs - nowMs(), // a negative time is 0
    );
  }

  /** Closes without reconnecting. */
  close(): void {
    this.#finish(1000, '');
  }

  /** Closes until the next probe, because a frozen page answers nothing. A session that may return is away meanwhile. */
  leave(): void {
    this.#end(this.#resumption.mayReturn ? undefined : 1000);
    this.#change({ phase: 'waiting', code: 1001, reason: 'page_hidden' });
  }

  received(envelope: Envelope, characters: number): void {
    const { type, data } = envelope;
    if (type === 'sys.reconnect') this.#policy.scheduled((data as Reconnect).afterMs);
    if (type === 'sys.welcome') this.#welcomed(envelope as Envelope<Welcome>);
    else if (type === 'sys.seen') this.#resumption.seen((data as Seen).frames);
    else this.#resumption.received(characters);
    this.listener.received(envelope);
  }

  /** Counts the frame, because the server would otherwise repeat it after each return. */
  ignored(text: string): void {
    this.#resumption.received(text.length);
    console.warn(`not an envelope: ${text.slice(0, 80)}`);
  }

  sent(text: string, id?: string): void {
    this.#resumption.sent(text, id);
  }

  closed(code: number, reason: string): void {
    this.#connection = undefined;
    const delayMs = this.#policy.delayMs(code);
    if (delayMs === undefined) return this.#finish(code, reason);
    if (this.#policy.isAsked) this.#nextProbeMs = nowMs() + delayMs;
    this.#end();
    this.#timer = setTimeout(() => void this.connect(), delayMs);
    this.#change({ phase: 'waiting', code, reason, delayMs });
  }

  #welcomed({ receiver: id, data }: Envelope<Welcome>): void {
    const wasAway = this.#resumption.mayReturn;
    const unseen = this.#resumption.welcomed(data);
    this.id = id;
    this.#policy.connected();
    this.#token.start();
    for (const [text, ref] of unseen ?? []) this.#connection!.write(this.#token.updated(text), ref);
    const change: StateChange = { phase: 'open', id };
    this.#change(wasAway ? { ...change, resumed: !!unseen, ...reasonOf(data) } : change, data);
  }

  #finish(code: number, reason: string): void {
    if (this.phase === 'closed') return;
    this.#unwatch();
    this.#end(1000);
    this.#resumption.end();
    this.#change({ phase: 'closed', code, reason });
  }

  /** Ends the connection, the attempt or the wait. @param code of the close frame */
  #end(code?: number): void {
    this.#ended++;
    clearTimeout(this.#timer);
    this.#token.stop();
    this.id = undefined;
    this.#resumption.lost();
    this.#connection?.close(code);
    this.#connection = undefined;
  }

  #change(change: StateChange, welcome?: Welcome): void {
    this.phase = change.phase;
    this.#last = change;
    const isAway = !welcome && this.#resumption.mayReturn;
    this.listener.changed(isAway ? { ...change, away: true } : change, welcome);
  }
}

function reasonOf({ reason }: Welcome): Pick<StateChange, 'reason'> {
  return reason ? { reason } : {};
}
