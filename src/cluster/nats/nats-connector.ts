import { connect, type Msg, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import type { Log } from '../../telemetry/log.js';

/** Bytes said that the server has not confirmed; past them the link is given up and begins anew with a snapshot. */
const MAX_UNPROVEN_BYTES = 64 * 1024 * 1024;
const FIRST_RETRY_MS = 50;
const NO_RESPONDERS = 503;

/** What a link tells its owner. */
export interface ConnectorListener {
  /** A connection is there, the first thing on it may be said. */
  onConnected(): void;
  /** It is gone, with all that was not sent. */
  onDisconnected(): void;
  onMessage(bytes: Uint8Array, reply: string | undefined): void;
  /** Nobody listens to what was said with this reply subject. */
  onNoResponders(reply: string): void;
}

export interface ConnectorOptions {
  readonly access: () => NodeConnectionOptions;
  /** Subjects to hear, read anew for each connection. */
  readonly subjects: () => readonly string[];
  /** The longest wait between two attempts. */
  readonly maxRetryMs: number;
}

/**
 * One connection to NATS after another, each with a number. Whatever one had not sent when it ended is never sent: the
 * client is thrown away with its buffers. No callback may throw: it would end the client's reader.
 */
export class NatsConnector {
  #connection: NatsConnection | undefined;
  #number = 0;
  #stopped = false;
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes said on this connection, and how many of them the server is known to have. */
  #saidBytes = 0;
  #provenBytes = 0;
  #unprovenLooks = 0;
  #lastError = '';

  constructor(
    private readonly plan: ConnectorOptions,
    private readonly owner: ConnectorListener,
    private readonly log: Log,
  ) {}

  get open(): boolean {
    return this.#connection !== undefined;
  }

  /** Which connection this is, counted from 1. */
  get number(): number {
    return this.#number;
  }

  /** Looks that the server has not answered. */
  get unansweredPings(): number {
    return this.#unprovenLooks;
  }

  /** The longest message that the server takes. */
  get maxBytes(): number {
    return this.#connection?.info?.max_payload ?? 0;
  }

  /** Tries to connect, and goes on trying for ever; resolves after the first attempt. */
  async connect(): Promise<void> {
    this.#timer = undefined;
    try {
      const connection = await connect(this.plan.access());
      if (this.#stopped) return void connection.close();
      this.#begin(connection);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Hears one more subject on this connection. */
  subscribe(subject: string): void {
    const connection = this.#connection;
    connection?.subscribe(subject, {
      callback: (error, message) => {
        if (connection === this.#connection) this.#heard(error, message);
      },
    });
  }

  /** @returns whether it was said; it may be lost all the same */
  publish(subject: string, bytes: Uint8Array, reply?: string): boolean {
    const connection = this.#connection;
    if (connection === undefined || bytes.length > this.maxBytes) return false;
    this.#saidBytes += bytes.length;
    if (this.#saidBytes - this.#provenBytes > MAX_UNPROVEN_BYTES) {
      this.cut('NATS does not keep up');
      return false;
    }
    try {
      connection.publish(subject, bytes, reply === undefined ? {} : { reply });
      return true;
    } catch (error) {
      this.cut(String(error));
      return false;
    }
  }

  /** Asks the server whether it still answers; one look. */
  ping(): void {
    this.#unprovenLooks++;
    void this.flushed();
  }

  /** Resolves when the server has all that was said; also when it never will. */
  async flushed(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const bytes = this.#saidBytes;
    try {
      await Promise.race([connection.flush(), connection.closed()]);
    } catch {
      return;
    }
    if (connection !== this.#connection) return;
    this.#provenBytes = Math.max(this.#provenBytes, bytes);
    this.#unprovenLooks = 0;
  }

  /** Gives this connection up and tries another. */
  cut(reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#ended(reason);
    void connection.close().catch(() => undefined);
  }

  /** Ends this connection when all is sent, and begins another. */
  renew(reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#ended(reason);
    void closeWhenSent(connection);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close().catch(() => undefined);
  }

  #begin(connection: NatsConnection): void {
    this.#connection = connection;
    this.#number++;
    this.#attempts = this.#saidBytes = this.#provenBytes = this.#unprovenLooks = 0;
    this.#lastError = '';
    void this.#watch(connection);
    for (const subject of this.plan.subjects()) this.subscribe(subject);
    this.log.info('linked', { server: connection.getServer(), link: this.#number });
    this.owner.onConnected();
  }

  async #watch(connection: NatsConnection): Promise<void> {
    const error = await connection.closed();
    if (connection === this.#connection) this.#ended(error instanceof Error ? error.message : 'closed');
  }

  #ended(reason: string): void {
    this.#connection = undefined;
    if (!this.#stopped) this.log.warn('link lost', { reason });
    this.owner.onDisconnected();
    this.#again();
  }

  #failed(reason: string): void {
    if (reason !== this.#lastError) this.log.warn('cannot reach NATS', { reason });
    this.#lastError = reason;
    this.#again();
  }

  /** All nodes lose a server at the same moment; they must not all come back at the same. */
  #again(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    const most = Math.min(this.plan.maxRetryMs, FIRST_RETRY_MS * 2 ** this.#attempts++);
    this.#timer = setTimeout(() => void this.connect(), most * (0.5 + Math.random() / 2));
  }

  #heard(error: Error | null, message: Msg): void {
    try {
      if (error !== null) this.log.warn('NATS refuses', { reason: error.message });
      else if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS)
        this.owner.onNoResponders(message.subject);
      else this.owner.onMessage(message.data, message.reply);
    } catch (fault) {
      this.log.error(fault);
    }
  }
}

async function closeWhenSent(connection: NatsConnection): Promise<void> {
  try {
    await connection.flush();
  } catch {
    // It was lost before all was sent.
  }
  await connection.close().catch(() => undefined);
}
