import { WebSocket } from 'ws';
import type { Received } from './client.js';

/** A client reports what it has received after so many frames, or so many milliseconds. */
const REPORT_FRAMES = 64;
const REPORT_MS = 2000;
const HANDSHAKE_TIMEOUT_MS = 8000;

/** The data of a welcome, as far as it concerns returning. */
interface Welcome {
  readonly resume?: { readonly token: string };
  readonly resumed?: boolean;
  readonly received?: number;
  readonly reason?: string;
}

/** Where a line connects to, and with what. */
export interface Place {
  readonly url: string;
  /** The certificate that signs that of the server. */
  readonly ca?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a line connects. */
export interface ConnectOptions {
  /** Whether the connection that is open is lost first. */
  readonly before?: 'cut the connection' | 'keep the connection' | undefined;
  /** The subprotocol that is offered, in place of that of the session. */
  readonly offer?: string | undefined;
}

/** Receives the events of a line. */
export interface LineListener {
  /** A session is open, the first one or one in place of a lost one; then `reason` says why. */
  opened(id: string, reason: string | undefined): void;
  /** The line is back in its session. */
  returned?(): void;
  /** A message, welcomes and `sys.seen` excepted. */
  message(message: Received): void;
  /** The connection has ended; the session may not. */
  lost?(): void;
  /** A handshake has failed. @param status of the response; `undefined` where no response came */
  refused?(status: number | undefined): void;
}

/**
 * A session that outlives its connections. Each connection may lead to another place. Counts frames in both directions, and
 * sends again what the server has not received.
 */
export class RoamingLine {
  id = '';
  /** Times that the line has returned to its session. */
  returns = 0;
  /** The reports of this session that are wrong, such as a count beyond what was sent. */
  readonly breaches: string[] = [];
  /** The data of the last welcome. */
  welcome: Welcome = {};
  #socket: WebSocket | undefined;
  #token: string | undefined;
  #isOpen = false;
  #received = 0;
  #reported = 0;
  #receivedByServer = 0;
  #unseen: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly listener: LineListener) {}

  /** Whether a session is open on a connection now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get token(): string {
    return this.#token ?? '';
  }

  /** Text frames received in this session. */
  get received(): number {
    return this.#received;
  }

  /** Connects, and returns to the session where there is one. */
  connect({ url, ca, headers }: Place, { before, offer = this.#offer }: ConnectOptions = {}): void {
    if (before !== 'keep the connection') this.cut();
    this.#isOpen = false;
    const socket = new WebSocket(url, ['switchboard.v1', offer], {
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      perMessageDeflate: false,
      ...(ca !== undefined && { ca }),
      ...(headers !== undefined && { headers }),
    });
    this.#socket = socket;
    socket.on('message', (data) => {
      if (socket === this.#socket) this.#read((data as Buffer).toString());
    });
    socket.on('unexpected-response', (_, response) => {
      response.resume();
      this.listener.refused?.(response.statusCode);
      this.#drop(socket);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#drop(socket));
  }

  /** Sends a message, at once or after the return. */
  send(message: object): void {
    const text = JSON.stringify(message);
    this.#unseen.push(text);
    if (this.#isOpen) this.#socket!.send(text);
  }

  /** Resolves with the close code of the connection that is open now. */
  closeCode(): Promise<number> {
    const socket = this.#socket!;
    return new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  }

  /** Loses the connection. */
  cut(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#drop(socket);
    socket.terminate();
  }

  /** Ends the session. */
  close(): void {
    this.#socket?.close(1000);
  }

  get #offer(): string {
    return this.#token === undefined ? 'resume' : `resume.${this.#token}.${this.#received}`;
  }

  #drop(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.listener.lost?.();
  }

  #read(text: string): void {
    const message = JSON.parse(text) as Received;
    if (!this.#isOpen) return this.#onWelcome(message.receiver, message.data as Welcome);
    if (message.type === 'sys.seen') return this.#forget((message.data as { frames: number }).frames);
    this.#received++;
    if (this.#received - this.#reported >= REPORT_FRAMES) this.#report();
    else this.#timer ??= setTimeout(() => this.#report(), REPORT_MS);
    this.listener.message(message);
  }

  #onWelcome(id: string, welcome: Welcome): void {
    const { resume, resumed, received = 0, reason } = welcome;
    this.welcome = welcome;
    this.#isOpen = true;
    this.#token = resume?.token;
    if (resumed === true) {
      if (id !== this.id) this.breaches.push(`returned to ${this.id} and got ${id}`);
      this.returns++;
      this.#forget(received);
      for (const text of this.#unseen) this.#socket!.send(text);
      this.listener.returned?.();
    } else {
      this.id = id;
      this.#received = this.#reported = this.#receivedByServer = 0;
      this.#unseen = [];
      this.listener.opened(id, reason);
    }
  }

  #report(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#reported = this.#received;
    this.#socket?.send(JSON.stringify({ type: 'sys.seen', data: { frames: this.#received } }));
  }

  #forget(received: number): void {
    const seen = received - this.#receivedByServer;
    if (seen < 0 || seen > this.#unseen.length)
      this.breaches.push(`${this.id}: the server counts ${received}, ${seen} more of ${this.#unseen.length}`);
    this.#unseen.splice(0, seen);
    this.#receivedByServer = received;
  }
}
