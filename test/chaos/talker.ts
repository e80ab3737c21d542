import { WebSocket } from 'ws';
import type { Random } from '../support/random.js';
import type { Received } from '../support/client.js';
import type { Ledger, Record } from './ledger.js';

const AGAIN_MS = [100, 1000] as const;

/** A user who comes again whenever the connection ends, and talks to anybody who is there. */
export class Talker {
  record: Record | undefined;
  #socket: WebSocket | undefined;
  #url = '';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly ledger: Ledger,
    /** Where nodes are to be found now. */
    private readonly urls: () => readonly string[],
    private readonly random: Random,
  ) {
    this.#connect();
  }

  get here(): boolean {
    return this.record !== undefined;
  }

  say(receiver: string): void {
    const { record } = this;
    if (record === undefined) return;
    const number = this.ledger.said(record, receiver);
    this.#socket!.send(`{"type":"talk","receiver":"${receiver}","id":"${number}","data":${number}}`);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #connect(): void {
    const urls = this.urls();
    if (urls.length === 0) return this.#again();
    const socket = new WebSocket((this.#url = this.random.pick(urls)), {
      handshakeTimeout: 3000,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on('message', (data) => this.#hear(JSON.parse((data as Buffer).toString()) as Received));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.record !== undefined) this.record.endedMs = performance.now();
      this.record = undefined;
      this.#again();
    });
  }

  #again(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#connect(), this.random.between(...AGAIN_MS));
  }

  #hear({ type, sender, receiver, ref, data }: Received): void {
    if (type === 'sys.welcome') this.record = this.ledger.opened(receiver, this.#url);
    const { record } = this;
    if (record === undefined) return;
    if (type === 'talk') this.ledger.heard(record, sender, data as number);
    else if (type === 'sys.departed') this.ledger.departed(record, sender);
    else if (ref !== undefined) {
      const { status, code } = data as { status?: string; code?: string };
      this.ledger.answered(record, Number(ref), status ?? code ?? type);
    }
  }
}
