import { WebSocket, type ClientOptions } from 'ws';
import type { Received } from '../support/client.js';

const RETRY_MS = 20;
const SEEN_FRAMES = 64;

/** Where a client connects; the address may change between two connections. */
export interface Target {
  url: string;
  options: ClientOptions;
}

/** Whether a client keeps its session over a lost connection, or opens a new one each time. */
export type Kind = 'plain' | 'resume';

/** A client that reconnects at once after each lost connection, and keeps all messages that it receives. */
export class LastingClient {
  /** The id of the present session. */
  id = '';
  /** Sessions that were opened after the first one. */
  newSessions = 0;
  readonly inbox: Received[] = [];
  #socket: WebSocket | undefined;
  #isClosed = false;
  #token: string | undefined;
  #received = 0;
  #reported = 0;
  #seen = 0;
  #unseen: string[] = [];
  #isReady = false;
  #pings = 0;
  /** Called once each, when the client has a connection, when it loses one, and with the answer to a ping. */
  readonly #waiting = { ready: [] as (() => void)[], lost: [] as (() => void)[] };
  readonly #pongs = new Map<string, () => void>();

  constructor(
    private readonly target: Target,
    private readonly kind: Kind,
    private readonly onMessage: (message: Received) => void,
  ) {
    this.#connect();
  }

  /** Resolves when the client has a session and a connection. */
  ready(): Promise<void> {
    return this.#isReady ? Promise.resolve() : new Promise((resolve) => this.#waiting.ready.push(resolve));
  }

  /** Resolves when the present connection has ended. */
  lost(): Promise<void> {
    return new Promise((resolve) => this.#waiting.lost.push(resolve));
  }

  /** Sends a message. A plain client sends it once, or not at all while it has no connection. */
  send(envelope: object): void {
    const text = JSON.stringify(envelope);
    if (this.kind === 'resume') this.#unseen.push(text);
    if (this.#isReady) this.#socket?.send(text);
  }

  /** Resolves when the server has answered what was sent before on the present connection. */
  async settled(): Promise<void> {
    const id = `ping-${++this.#pings}`;
    const answered = new Promise<void>((resolve) => this.#pongs.set(id, resolve));
    await this.ready();
    this.send({ type: 'sys.ping', id });
    await answered;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close(1000);
  }

  #connect(): void {
    const offer = this.#token === undefined ? 'resume' : `resume.${this.#token}.${this.#received}`;
    const protocols = this.kind === 'plain' ? [] : ['switchboard.v1', offer];
    this.#reported = this.#received;
    const socket = new WebSocket(this.target.url, protocols, this.target.options);
    this.#socket = socket;
    socket.on('error', () => undefined); // the event 'close' follows
    socket.on('message', (bytes: Buffer) => this.#read(JSON.parse(bytes.toString()) as Received));
    socket.on('close', () => {
      this.#isReady = false;
      for (const resolve of this.#waiting.lost.splice(0)) resolve();
      if (!this.#isClosed) setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  #read(message: Received): void {
    if (message.type === 'sys.welcome') return this.#welcome(message);
    if (message.type === 'sys.seen') return this.#forget((message.data as { frames: number }).frames);
    if (message.type === 'sys.pong') this.#pongs.get(message.ref ?? '')?.();
    else this.inbox.push(message);
    this.onMessage(message);
    this.#received++;
    if (this.kind === 'plain' || this.#received - this.#reported < SEEN_FRAMES) return;
    this.#reported = this.#received;
    this.#socket?.send(JSON.stringify({ type: 'sys.seen', data: { frames: this.#received } }));
  }

  #welcome({ receiver, data }: Received): void {
    const { resume, resumed, received } = data as { resume?: { token: string }; resumed?: boolean; received?: number };
    if (resumed === true) this.#forget(received ?? 0);
    else {
      if (this.id !== '') this.newSessions++;
      this.#received = this.#reported = this.#seen = 0;
      this.#unseen = [];
    }
    this.id = receiver;
    this.#token = resume?.token;
    this.#isReady = true;
    for (const text of this.#unseen) this.#socket?.send(text);
    for (const resolve of this.#waiting.ready.splice(0)) resolve();
  }

  #forget(frames: number): void {
    this.#unseen.splice(0, frames - this.#seen);
    this.#seen = frames;
  }
}
