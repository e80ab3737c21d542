import { WebSocket } from 'ws';
import type { Received } from '../support/client.js';
import type { Random } from '../support/random.js';

const RECONNECT_MS = [100, 1000] as const;
const HANDSHAKE_TIMEOUT_MS = 3000;
/** A resumable client sends `sys.seen` after so many frames or bytes, and so often; the protocol asks for 64, 64 KiB and 5 s. */
const SEEN_FRAMES = 64;
const SEEN_BYTES = 65_536;
const SEEN_MS = 4000;

/** Reports of a line to its client. */
export interface LineOwner {
  /** A new session has opened. */
  opened(welcome: Received, url: string): void;
  /** A message has arrived, other than `sys.welcome` and `sys.seen`. */
  received(message: Received): void;
  /** A connection is over, and the session is away. */
  lost(): void;
  /** The session has ended, or cannot be had any more. */
  ended(): void;
  /** The server has broken a promise. */
  breach(text: string): void;
}

/** Where a line connects to. */
export interface Target {
  /** The addresses of the running nodes. */
  readonly urls: () => readonly string[];
  readonly token: string;
  readonly random: Random;
}

/** The connections of one client, one after another. */
export abstract class Line {
  /** Whether a connection has its welcome. */
  isOpen = false;
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** The time until the next connection, where it is not random. */
  #awayMs: number | undefined;

  constructor(
    protected readonly owner: LineOwner,
    private readonly target: Target,
  ) {}

  /** Sends a text frame of the session. */
  abstract send(text: string): void;

  /** Headers of the next handshake. */
  protected abstract headers(): Record<string, string>;
  protected abstract welcomed(welcome: Received, url: string): void;
  protected abstract received(message: Received, bytes: number): void;
  /** The connection is over. */
  protected abstract lost(): void;

  /** Cuts the connection without a close frame. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Cuts the connection, and connects again after this time. */
  leave(awayMs: number): void {
    this.#awayMs = awayMs;
    this.cut();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.cut();
  }

  connect(): void {
    const urls = this.target.urls();
    if (urls.length === 0) return this.#reconnectLater();
    const url = this.target.random.pick(urls);
    const headers = { authorization: `Bearer ${this.target.token}`, ...this.headers() };
    const socket = new WebSocket(url, { handshakeTimeout: HANDSHAKE_TIMEOUT_MS, perMessageDeflate: false, headers });
    this.#socket = socket;
    socket.on('message', (data) => {
      const bytes = data as Buffer;
      const message = JSON.parse(bytes.toString()) as Received;
      if (message.type === 'sys.welcome') this.#welcomed(message, url);
      else this.received(message, bytes.length);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isOpen = false;
      this.lost();
      this.#reconnectLater();
    });
  }

  protected write(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #welcomed(welcome: Received, url: string): void {
    this.isOpen = true;
    this.welcomed(welcome, url);
  }

  #reconnectLater(): void {
    if (this.#stopped) return;
    const waitMs = this.#awayMs ?? this.target.random.between(...RECONNECT_MS);
    this.#awayMs = undefined;
    this.#timer = setTimeout(() => this.connect(), waitMs);
  }
}

/** A line whose session ends with its connection. */
export class PlainLine extends Line {
  override send(text: string): void {
    this.write(text);
  }

  protected override headers(): Record<string, string> {
    return {};
  }

  protected override welcomed(welcome: Received, url: string): void {
    this.owner.opened(welcome, url);
  }

  protected override received(message: Received): void {
    this.owner.received(message);
  }

  protected override lost(): void {
    this.owner.ended();
  }
}

/** A line whose session comes back: counts frames, keeps those that the server has not seen, and repeats them. */
export class ResumableLine extends Line {
  #id = '';
  #token: string | undefined;
  /** Frames of the server received, those of them said to be seen, and the bytes since. */
  #received = 0;
  #reported = 0;
  #unseenBytes = 0;
  /** Frames that the server has received, and the ones sent after them. */
  #seen = 0;
  readonly #kept: string[] = [];
  readonly #timer = setInterval(() => this.#report(), SEEN_MS);

  override send(text: string): void {
    this.#kept.push(text);
    if (this.isOpen) this.write(text);
  }

  override stop(): void {
    clearInterval(this.#timer);
    super.stop();
  }

  protected override headers(): Record<string, string> {
    return { 'switchboard-resume': this.#token === undefined ? 'new' : `${this.#token}.${this.#received}` };
  }

  protected override welcomed(welcome: Received, url: string): void {
    const { resume, resumed, received } = welcome.data;
    this.#token = resume?.token;
    if (resumed === true) return this.#back(welcome.receiver, received as number);
    if (this.#id !== '') this.owner.ended();
    this.#id = welcome.receiver;
    this.#received = this.#reported = this.#seen = this.#unseenBytes = 0;
    this.#kept.length = 0;
    this.owner.opened(welcome, url);
  }

  protected override received(message: Received, bytes: number): void {
    if (message.type === 'sys.seen') return this.#forget(message.data.frames as number);
    this.#received++;
    this.#unseenBytes += bytes;
    if (this.#received - this.#reported >= SEEN_FRAMES || this.#unseenBytes >= SEEN_BYTES) this.#report();
    this.owner.received(message);
  }

  protected override lost(): void {
    this.owner.lost();
  }

  #back(id: string, received: number): void {
    if (id !== this.#id) this.owner.breach(`${this.#id} came back as ${id}`);
    this.#forget(received);
    this.#reported = this.#received;
    this.#unseenBytes = 0;
    for (const text of this.#kept) this.write(text);
  }

  /** Forgets what the server has received. */
  #forget(frames: number): void {
    const count = frames - this.#seen;
    if (count < 0 || count > this.#kept.length)
      this.owner.breach(
        `${this.#id} was reported ${frames} frames, ${this.#seen} seen and ${this.#kept.length} under way`,
      );
    this.#kept.splice(0, count);
    this.#seen = frames;
  }

  #report(): void {
    if (!this.isOpen || this.#reported === this.#received) return;
    this.#reported = this.#received;
    this.#unseenBytes = 0;
    this.write(`{"type":"sys.seen","data":{"frames":${this.#received}}}`);
  }
}
