import { WebSocket } from 'ws';
import type { Received } from '../support/client.js';
import type { Random } from '../support/random.js';
import type { Ledger, SessionRecord } from './ledger.js';

const RECONNECT_MS = [100, 1000] as const;

/** A client that reconnects to any node whenever its connection ends, and records its messages in the ledger. */
export class ChaosClient {
  /** The current session; undefined while disconnected. */
  record: SessionRecord | undefined;
  #socket: WebSocket | undefined;
  #url = '';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly ledger: Ledger,
    /** The addresses of the running nodes. */
    private readonly urls: () => readonly string[],
    private readonly random: Random,
  ) {
    this.#connect();
  }

  get isConnected(): boolean {
    return this.record !== undefined;
  }

  sendTo(receiver: string): void {
    const { record } = this;
    if (record === undefined) return;
    const number = this.ledger.onSent(record, receiver);
    this.#socket!.send(`{"type":"talk","receiver":"${receiver}","id":"${number}","data":${number}}`);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #connect(): void {
    const urls = this.urls();
    if (urls.length === 0) return this.#reconnectLater();
    const socket = new WebSocket((this.#url = this.random.pick(urls)), {
      handshakeTimeout: 3000,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(JSON.parse((data as Buffer).toString()) as Received));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.record !== undefined) this.record.endedMs = performance.now();
      this.record = undefined;
      this.#reconnectLater();
    });
  }

  #reconnectLater(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#connect(), this.random.between(...RECONNECT_MS));
  }

  #receive({ type, sender, receiver, ref, data }: Received): void {
    if (type === 'sys.welcome') this.record = this.ledger.onOpened(receiver, this.#url);
    const { record } = this;
    if (record === undefined) return;
    if (type === 'talk') this.ledger.onReceived(record, sender, data as number);
    else if (type === 'sys.departed') this.ledger.onDeparted(record, sender);
    else if (ref !== undefined) {
      const { status, code } = data as { status?: string; code?: string };
      this.ledger.onAnswered(record, Number(ref), status ?? code ?? type);
    }
  }
}
