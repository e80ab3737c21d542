import type { Welcome } from '../protocol/tables/server-data.js';
import type { SocketLike } from './socket.js';
import type { Envelope } from './messages.js';

/** The code for an end without a close frame (RFC 6455, 7.1.5). */
const CUT = 1006;
/** Beats without a word after which the server is asked, and after which the line is given up. */
const ASK_AFTER = 2;
const CUT_AFTER = 3;

export interface ConnectionEvents {
  received(envelope: Envelope): void;
  /** Once, whatever ended it; nothing comes after it. */
  ended(code: number, reason: string): void;
}

/** One connection, from the attempt to its end. A line that is silent for too long is cut. */
export class ServerConnection {
  #timer: ReturnType<typeof setTimeout>;
  #silentBeats = 0;
  #over = false;

  /** @param timeoutMs how long the welcome may take */
  constructor(
    private readonly socket: SocketLike,
    private readonly events: ConnectionEvents,
    timeoutMs: number,
  ) {
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onerror = () => undefined; // a close follows, which says as much
    socket.onclose = ({ code, reason }) => this.#end(code, reason);
    this.#timer = setTimeout(() => this.#cut('no_welcome'), timeoutMs);
  }

  send(text: string): void {
    this.socket.send(text);
  }

  close(): void {
    this.#end(1000, '');
    this.socket.close(1000);
  }

  #read(data: unknown): void {
    if (this.#over) return;
    this.#silentBeats = 0;
    let envelope: Envelope;
    try {
      envelope = JSON.parse(String(data)) as Envelope;
    } catch {
      return this.#cut('not_switchboard');
    }
    if (envelope.type === 'sys.welcome') this.#watch((envelope.data as Welcome).heartbeatMs);
    this.events.received(envelope);
  }

  /** A browser hides the server's pings, so silence is answered with a question of our own. */
  #watch(heartbeatMs: number): void {
    clearTimeout(this.#timer);
    const tick = (): void => {
      this.#timer = setTimeout(tick, heartbeatMs);
      if (++this.#silentBeats === ASK_AFTER) this.send('{"type":"sys.ping"}');
      if (this.#silentBeats === CUT_AFTER) this.#cut('silent');
    };
    this.#timer = setTimeout(tick, heartbeatMs);
  }

  #cut(reason: string): void {
    this.#end(CUT, reason);
    if (this.socket.terminate) this.socket.terminate();
    else this.socket.close();
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.events.ended(code, reason);
  }
}
