import type { SocketLike } from './socket.js';
import type { Envelope, Welcome } from './wire.js';

/** The close code where there was no close frame (RFC 6455, 7.1.5). */
const ABNORMAL = 1006;
/** Heartbeats without a message after which the client pings, and after which it closes the connection. */
const PING_AFTER = 2;
const CLOSE_AFTER = 3;
/** Bytes a second at which a link may carry a long message, and the heartbeats that such a message may excuse. */
const MIN_BYTES_PER_SECOND = 200;
const MAX_EXCUSED_HEARTBEATS = 8;

export interface ConnectionEvents {
  received(envelope: Envelope): void;
  /** Called once, whatever closed the connection; `received` is not called afterwards. */
  closed(code: number, reason: string): void;
}

/** Wraps the WebSocket of one connection. Closes connections that get no welcome, or no message for too long. */
export class ServerConnection {
  #timer: ReturnType<typeof setTimeout>;
  #silentHeartbeats = 0;
  /** Characters sent since the last answer: the server may still be receiving them. */
  #unanswered = 0;
  #closed = false;

  /** @param timeoutMs the longest wait for the welcome */
  constructor(
    private readonly socket: SocketLike,
    private readonly events: ConnectionEvents,
    timeoutMs: number,
  ) {
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onerror = () => undefined; // a close event follows
    socket.onclose = ({ code, reason }) => this.#finish(code, reason);
    this.#timer = setTimeout(() => this.cut('no_welcome'), timeoutMs);
  }

  /** Bytes that wait in the socket; 0 where the socket does not count them. */
  get bufferedBytes(): number {
    return this.socket.bufferedAmount ?? 0;
  }

  send(text: string): void {
    this.#unanswered += text.length;
    this.socket.send(text);
  }

  close(): void {
    this.#finish(1000, '');
    this.socket.close(1000);
  }

  /** Closes without a closing handshake, where the socket can. @param reason reported beside 1006 */
  cut(reason: string): void {
    this.#finish(ABNORMAL, reason);
    if (this.socket.terminate) this.socket.terminate();
    else this.socket.close();
  }

  #read(data: unknown): void {
    if (this.#closed) return;
    this.#silentHeartbeats = 0;
    let envelope: Envelope;
    try {
      envelope = JSON.parse(String(data)) as Envelope;
    } catch {
      return this.cut('not_switchboard');
    }
    if (envelope.ref !== undefined || envelope.type === 'sys.pong') this.#unanswered = 0;
    if (envelope.type === 'sys.welcome') this.#startHeartbeat((envelope.data as Welcome).heartbeatMs);
    this.events.received(envelope);
  }

  /** Pings a silent server with `sys.ping`, because browsers hide the server's ping frames from the page. */
  #startHeartbeat(heartbeatMs: number): void {
    clearTimeout(this.#timer);
    const tick = (): void => {
      this.#timer = setTimeout(tick, heartbeatMs);
      if (++this.#silentHeartbeats === PING_AFTER) this.send('{"type":"sys.ping"}');
      if (this.#silentHeartbeats >= CLOSE_AFTER + this.#excusedHeartbeats(heartbeatMs)) this.cut('silent');
    };
    this.#timer = setTimeout(tick, heartbeatMs);
  }

  /** Counts the heartbeats for which the server may be silent, because it answers only what it has received. */
  #excusedHeartbeats(heartbeatMs: number): number {
    return Math.min(
      MAX_EXCUSED_HEARTBEATS,
      Math.floor((this.#unanswered * 1000) / (MIN_BYTES_PER_SECOND * heartbeatMs)),
    );
  }

  #finish(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.events.closed(code, reason);
  }
}
