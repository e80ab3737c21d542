import { MAX_EXCUSED_HEARTBEATS, MS_PER_BYTE, PROBE_AFTER, PROBE_MS } from './limits.js';
import type { SocketLike } from './socket.js';
import type { Envelope, Welcome } from './wire.js';

/** The close code where there was no close frame (RFC 6455, 7.1.5). */
const ABNORMAL = 1006;

type Timer = ReturnType<typeof setTimeout> | undefined;

export interface ConnectionEvents {
  received(envelope: Envelope): void;
  /** Called once where the peer closed or `cut` was called; `received` is not called afterwards. */
  closed(code: number, reason: string): void;
}

/** Wraps the WebSocket of one connection. Closes connections that get no welcome, or no answer to a probe. */
export class ServerConnection {
  /** Set while a message must arrive in time: the welcome, or the answer to a probe. */
  #deadline: Timer;
  /** Undefined before the welcome. */
  #heartbeat: Timer;
  #silentHeartbeats = 0;
  /** Characters sent since the last answer: the server may still be receiving them. */
  #unanswered = 0;

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

  send(text: string): void {
    this.#unanswered += text.length;
    this.socket.send(text);
  }

  /** Pings, and cuts the connection where no message arrives in time. No effect before the welcome, or during a probe. */
  probe(withinMs = PROBE_MS): void {
    if (this.#deadline !== undefined) return;
    this.#expect('silent', withinMs); // before the ping, whose bytes are no progress
    this.send('{"type":"sys.ping"}');
  }

  /** Closes without an event. */
  close(): void {
    this.#stop();
    this.socket.close(1000);
  }

  /** Closes without a closing handshake, where the socket can. @param reason reported beside 1006 */
  cut(reason: string): void {
    this.#finish(ABNORMAL, reason);
    if (this.socket.terminate) this.socket.terminate();
    else this.socket.close();
  }

  #read(data: unknown): void {
    let envelope: Envelope | undefined;
    try {
      envelope = JSON.parse(String(data)) as Envelope;
    } catch {
      // has no type, like every other text that is not from Switchboard
    }
    const type = envelope?.type;
    if (this.#heartbeat ? typeof type !== 'string' : type !== 'sys.welcome') return this.cut('not_switchboard');
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#silentHeartbeats = 0;
    if (envelope!.ref ?? type === 'sys.pong') this.#unanswered = 0;
    if (type === 'sys.welcome') this.#watch((envelope!.data as Welcome).heartbeatMs);
    this.events.received(envelope!);
  }

  /**
   * Probes a silent server, because browsers hide the server's ping frames from the page. Waits longer after a long message
   * without an answer, because the server answers only what a slow link has carried.
   */
  #watch(heartbeatMs: number): void {
    this.#heartbeat = setTimeout(() => {
      this.#watch(heartbeatMs);
      const excused = Math.min(MAX_EXCUSED_HEARTBEATS, (this.#unanswered * MS_PER_BYTE) / heartbeatMs);
      if (++this.#silentHeartbeats >= PROBE_AFTER + excused) this.probe(heartbeatMs);
    }, heartbeatMs);
  }

  /** Cuts the connection where no message arrives in time, unless the socket still sends what waits in it. */
  #expect(reason: string, withinMs: number): void {
    const before = this.bufferedBytes;
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
    clearTimeout(this.#heartbeat);
  }
}
