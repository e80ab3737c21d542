import { EventEmitter } from 'node:events';
import type { Received, TestSocket } from '../../src/testing/start.js';
import { clientFrame } from './client-frames.js';
import { WireConnection, type Cut } from './wire-connection.js';

/** A client reports what it has received at the latest after so many frames, bytes or milliseconds. */
const REPORT_AFTER = { frames: 64, bytes: 65_536, ms: 5000 } as const;

export interface LineOptions {
  /** Headers of the handshake, such as `Authorization: Bearer TOKEN`. */
  readonly headers?: readonly string[];
  /** How the client offers to resume: as browsers can, or by a header. */
  readonly by?: 'subprotocol' | 'header';
  /** Whether `sys.seen` is sent as the protocol wants, or only by {@link ResumableLine.report}. */
  readonly reports?: 'as due' | 'on request';
}

export interface ReturnOptions extends Pick<LineOptions, 'headers' | 'by'> {
  /** By default the latest token. */
  readonly token?: string;
  /** The number of frames that the client says it has received; by default the true one. */
  readonly frames?: number;
  /** Cuts the new connection when this many bytes of the server have been read. */
  readonly cutAfter?: { readonly bytes: number; readonly cut: Cut };
}

/** The data of a welcome, as far as it concerns resuming. */
export interface Resumption {
  readonly resume?: { readonly token: string; readonly windowMs: number; readonly bytes: number };
  readonly resumed?: boolean;
  readonly received?: number;
  readonly awayMs?: number;
  readonly reason?: string;
}

/**
 * The connections of one session, one after the other. Counts frames in both directions, and sends again what the server
 * has not received. Emits `message` for each frame that is counted, `seen` for each `sys.seen`, `close` where the client has
 * ended the session, and `fault` where a count of the server cannot be right.
 */
export class ResumableLine implements TestSocket {
  connection!: WireConnection;
  welcome!: Received<Resumption>;
  token = '';
  /** Text frames received in this session, without welcomes and `sys.seen`. */
  received = 0;
  /** Frames that the server says it has received, by its last `sys.seen` or welcome. */
  receivedByServer = 0;
  /** Messages that the server has not received, as far as the client knows. */
  #unseen: string[] = [];
  readonly #events = new EventEmitter();
  #isWelcome = false;
  #welcomes = 0;
  #reported = 0;
  #unreportedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly port: number,
    private readonly options: LineOptions = {},
  ) {}

  on(event: string, listener: (...parameters: never[]) => void): void {
    this.#events.on(event, listener as (...parameters: unknown[]) => void);
  }

  off(event: string, listener: (...parameters: never[]) => void): void {
    this.#events.off(event, listener as (...parameters: unknown[]) => void);
  }

  /** Text frames sent in this session, without `sys.seen`. */
  get sent(): number {
    return this.receivedByServer + this.#unseen.length;
  }

  /** Opens a session that can be resumed. */
  open(): Promise<Received<Resumption>> {
    return this.#connect('new', this.options);
  }

  /** Returns to the session on a new connection, and gives up the one before. @throws HandshakeError */
  return(options: ReturnOptions = {}): Promise<Received<Resumption>> {
    const { token = this.token, frames = this.received } = options;
    this.received = this.#reported = frames;
    return this.#connect(`${token}.${frames}`, { ...this.options, ...options });
  }

  /** Sends a message, at once or after the return. */
  send(text: string): void {
    this.#unseen.push(text);
    if (this.#isWelcome) this.connection.write(clientFrame(text));
  }

  /** Sends a message whose frame is cut after this many bytes, so that the connection must be lost. */
  sendPart(text: string, bytes: number): void {
    this.#unseen.push(text);
    if (this.#isWelcome) this.connection.write(clientFrame(text).subarray(0, bytes));
  }

  /** Sends a message in fragments. */
  sendFragments(...parts: readonly string[]): void {
    this.#unseen.push(parts.join(''));
    const last = parts.length - 1;
    const frames = parts.map((part, index) =>
      clientFrame(part, { final: index === last, ...(index > 0 && { opcode: 0 }) }),
    );
    this.connection.write(...frames);
  }

  /** Sends `sys.seen`, which is not counted. */
  report(frames: unknown = this.received): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#reported = this.received;
    this.#unreportedBytes = 0;
    this.connection.write(clientFrame(JSON.stringify({ type: 'sys.seen', data: { frames } })));
  }

  /** Loses the connection. */
  cut(cut?: Cut): void {
    this.#isWelcome = false;
    this.connection.cut(cut);
  }

  /** Ends the session by a close frame. */
  close(code = 1000): void {
    this.connection.close(code).then(
      (closed) => this.#events.emit('close', closed.code, Buffer.from(closed.reason)),
      () => undefined,
    );
  }

  terminate(): void {
    this.cut('reset');
  }

  async #connect(
    value: string,
    { headers = [], by = 'subprotocol', cutAfter }: ReturnOptions,
  ): Promise<Received<Resumption>> {
    const parameter = value === 'new' ? 'resume' : `resume.${value}`;
    const offer =
      by === 'header' ? `Switchboard-Resume: ${value}` : `Sec-WebSocket-Protocol: switchboard.v1, ${parameter}`;
    this.#isWelcome = false;
    return new Promise((resolve, reject) => {
      const onText = (text: string, connection: WireConnection): void => {
        if (connection !== this.connection) return; // the client has given it up
        try {
          if (this.#isWelcome) return this.#receive(text);
          this.#onWelcome(JSON.parse(text) as Received<Resumption>);
          resolve(this.welcome);
        } catch (error) {
          if (!this.#events.emit('fault', error)) throw error;
        }
      };
      const connection = new WireConnection(this.port, {
        headers: [...headers, offer],
        onText,
        ...(cutAfter && { cutAfter }),
      });
      this.connection = connection;
      connection.accepted.catch(reject);
      void connection.closed.then(({ code }) => reject(new Error(`closed with ${code} before the welcome`)));
    });
  }

  #onWelcome(welcome: Received<Resumption>): void {
    const isFirst = this.#welcomes++ === 0;
    this.welcome = welcome;
    this.#isWelcome = true;
    const { resume, resumed, received = 0 } = welcome.data;
    this.token = resume?.token ?? '';
    if (resumed === true && isFirst) this.receivedByServer = received;
    else if (resumed === true) this.#forget(received);
    else {
      this.received = this.#reported = this.receivedByServer = 0;
      this.#unseen = [];
    }
    if (this.#unseen.length > 0) this.connection.write(...this.#unseen.map((text) => clientFrame(text)));
  }

  #receive(text: string): void {
    if (text.includes('"sys.seen"')) {
      const { type, data } = JSON.parse(text) as Received<{ frames: number }>;
      if (type === 'sys.seen') {
        this.#forget(data.frames);
        return void this.#events.emit('seen', text);
      }
    }
    this.received++;
    this.#unreportedBytes += text.length;
    this.#events.emit('message', text);
    if (this.options.reports === 'on request') return;
    const isDue = this.received - this.#reported >= REPORT_AFTER.frames || this.#unreportedBytes >= REPORT_AFTER.bytes;
    if (isDue) this.report();
    else this.#timer ??= setTimeout(() => this.report(), REPORT_AFTER.ms).unref();
  }

  #forget(received: number): void {
    if (received < this.receivedByServer || received > this.sent)
      throw new Error(`the server has received ${received} of ${this.sent} frames, ${this.receivedByServer} before`);
    this.#unseen.splice(0, received - this.receivedByServer);
    this.receivedByServer = received;
  }
}
