import { MAX_EXCUSED_HEARTBEATS, MAX_UNANSWERED, MS_PER_CHARACTER, PROBE_AFTER, PROBE_MS } from './limits.js';
import { nowMs } from './monotonic.js';
import type { SocketLike } from './socket.js';
import type { Envelope, Welcome } from './wire.js';

export interface ConnectionEvents {
  /** @param characters the length of the frame */
  received(envelope: Envelope, characters: number): void;
  /** Called after the welcome with each frame that is not an envelope, such as a text that a handler writes to its socket. */
  ignored(text: string): void;
  /** Called with each frame that {@link ServerConnection.send} sends. */
  sent(text: string, id?: string): void;
  /** Called once where the peer closed or `cut` was called; `received` is not called afterwards. */
  closed(code: number, reason: string): void;
}

/** Wraps the WebSocket of one connection. Closes connections that get no welcome, or no answer to a probe. */
export class ServerConnection {
  /** Set while a message must arrive in time: the welcome, or the answer to a probe. */
  #deadline: ReturnType<typeof setTimeout> | undefined;
  /** The time of the deadline; Infinity without one. */
  #dueMs = Infinity;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  /** NaN before the welcome. */
  #heartbeatMs = NaN;
  #silentHeartbeats = 0;
  /** Characters that were sent, and those of them that an answer shows to be received. */
  #sent = 0;
  #received = 0;
  /** The characters sent up to the end of each of the last messages, by the `ref` of its answer, or the type. */
  readonly #sentUpTo = new Map<string | undefined, number>();

  /** @param timeoutMs the longest wait for the welcome */
  constructor(
    private readonly socket: SocketLike,
    private readonly events: ConnectionEvents,
    timeoutMs: number,
  ) {
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onerror = () => undefined; // a close event follows
    socket.onclose = ({ code, reason }) => this.#finish(code, reason);
    this.#expect('no_welcome', timeoutMs);
  }

  /** Bytes that wait in the socket; 0 where the socket does not count them. */
  get bufferedBytes(): number {
    return this.socket.bufferedAmount ?? 0;
  }

  /** @param id the `ref` of the answer, or its type */
  send(text: string, id?: string): void {
    this.events.sent(text, id);
    this.write(text, id);
  }

  /** Sends a frame again, or one that does not count. */
  write(text: string, id?: string): void {
    this.#sent += text.length;
    if (this.#sentUpTo.size > MAX_UNANSWERED) this.#sentUpTo.clear(); // a later answer counts for them
    this.#sentUpTo.set(id, this.#sent);
    this.socket.send(text);
  }

  /**
   * Pings, and cuts the connection where no message arrives in time. No effect before the welcome, or where the deadline of
   * another ping is earlier.
   *
   * @param withinMs where not given, a short time: longer after a long message without an answer, by at most a heartbeat
   */
  probe(withinMs = PROBE_MS + Math.min(this.#heartbeatMs, this.#excusedMs())): void {
    if (!(nowMs() + withinMs < this.#dueMs)) return; // NaN before the welcome
    this.#expect('silent', withinMs); // before the ping, whose bytes are no progress
    this.send('{"type":"sys.ping"}', 'sys.pong');
  }

  /** Closes without an event. @param code without one, a session that may return does not end */
  close(code?: number): void {
    this.#stop();
    this.socket.close(code);
  }

  /** Closes without a closing handshake, where the socket can, and else without a code. @param reason reported beside 1006 */
  cut(reason: string): void {
    this.#finish(1006, reason); // the code where there was no close frame (RFC 6455, 7.1.5)
    this.socket.terminate?.();
    this.socket.close();
  }

  #read(data: unknown): void {
    const text = String(data);
    let envelope: Envelope | undefined;
    try {
      envelope = JSON.parse(text) as Envelope;
    } catch {
      // has no type, like every other text that is not an envelope
    }
    const type = envelope?.type;
    if (!this.#heartbeatMs && type !== 'sys.welcome') return this.cut('not_switchboard');
    clearTimeout(this.#deadline);
    this.#dueMs = Infinity;
    this.#silentHeartbeats = 0;
    if (typeof type !== 'string') return this.events.ignored(text);
    // A receipt of all that was sent before, because a connection keeps the order.
    this.#received = Math.max(this.#received, this.#sentUpTo.get(envelope!.ref ?? type) ?? 0);
    if (type === 'sys.welcome') this.#watch((envelope!.data as Welcome).heartbeatMs);
    this.events.received(envelope!, text.length);
  }

  /** Returns for how long a slow link may carry what was sent and not received: the server can answer only afterwards. */
  #excusedMs(): number {
    return (this.#sent - this.#received) * MS_PER_CHARACTER;
  }

  /** Probes a silent server, because browsers hide the server's ping frames from the page. */
  #watch(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
    this.#heartbeat = setInterval(() => {
      const excused = Math.min(MAX_EXCUSED_HEARTBEATS, this.#excusedMs() / heartbeatMs);
      if (++this.#silentHeartbeats > PROBE_AFTER + excused) this.probe(heartbeatMs);
    }, heartbeatMs);
  }

  /** Cuts the connection where no message arrives in time, unless the socket still sends what waits in it. */
  #expect(reason: string, withinMs: number): void {
    const before = this.bufferedBytes;
    clearTimeout(this.#deadline);
    this.#dueMs = nowMs() + withinMs;
    this.#deadline = setTimeout(() => {
      if (this.bufferedBytes < before) this.#expect(reason, withinMs);
      else this.cut(reason);
    }, withinMs);
  }

  #finish(code: number, reason: string): void {
    this.#stop();
    this.events.closed(code, reason);
  }

  #stop(): void {
    this.socket.onmessage = this.socket.onclose = null;
    clearTimeout(this.#deadline);
    clearInterval(this.#heartbeat);
  }
}
