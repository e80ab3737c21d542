import type { Msg } from '@nats-io/transport-node';
import type { NodeIdentity } from '../../node/node-identity.js';
import type { Log } from '../../telemetry/log.js';
import type { CancelTimer, Clock } from '../clock.js';
import type { MessageOrigin } from '../wire/node-codec.js';
import type { Publisher, PublishResult } from './batch-accumulator.js';
import { closeNow, closeWhenSent, isNoResponders, type NatsDialer, type NatsLink } from './nats-access.js';
import { LinkLog, type LinkFault } from './link-log.js';
import { endsConnection } from './refusals.js';

/** Bytes published and not acknowledged by the server. Past them the connection is replaced. */
const MAX_UNACKED_BYTES = 64 * 1024 * 1024;
const FIRST_RETRY_MS = 50;

/** Receives the events of a {@link NatsConnector}. */
export interface ConnectorListener {
  /** A connection is open. Nothing was published on it yet. */
  onConnected(): void;
  /** The connection is lost, with everything that was not sent; or an attempt to connect has failed. */
  onDisconnected(fault: LinkFault): void;
  /** The server reports an error, and the connection is still open. */
  onServerError(error: Error): void;
  onMessage(bytes: Uint8Array, reply: string | undefined): void;
  /** No node subscribes to the subject of the message that had this reply subject. */
  onNoResponders(reply: string): void;
}

/**
 * Keeps one connection to NATS open; each connection is one incarnation of this node. Bytes that a lost connection had
 * not sent are never sent, because its client is discarded with its buffers. Catches what the listener throws, because
 * an exception would end the reader of the client.
 */
export class NatsConnector implements Publisher {
  #listener: ConnectorListener | undefined;
  #connection: NatsLink | undefined;
  #incarnation = 0;
  #stopped = false;
  #attempts = 0;
  #cancelRetry: CancelTimer | undefined;
  /** Bytes published on this connection, and how many of them the server has acknowledged. */
  #publishedBytes = 0;
  #ackedBytes = 0;
  #unansweredPings = 0;

  readonly faults: LinkLog;

  /** @param maxRetryMs the longest delay before another attempt to connect */
  constructor(
    private readonly dialer: NatsDialer,
    private readonly clock: Clock,
    private readonly identity: NodeIdentity,
    private readonly log: Log,
    private readonly maxRetryMs: number,
  ) {
    this.faults = new LinkLog(log);
  }

  get open(): boolean {
    return this.#connection !== undefined;
  }

  /** The origin of messages on this connection. */
  get origin(): MessageOrigin {
    return { nodeId: this.identity.id, incarnation: this.#incarnation };
  }

  /** Pings that the server has not answered. */
  get unansweredPings(): number {
    return this.#unansweredPings;
  }

  /** The longest message in bytes that the server accepts. */
  get maxBytes(): number {
    return this.#connection?.info?.max_payload ?? 0;
  }

  /** Connects, and reconnects until {@link stop}. Resolves after the first attempt, successful or not. */
  connect(listener: ConnectorListener): Promise<void> {
    this.#listener = listener;
    return this.#attempt();
  }

  /** Subscribes on the current connection only. */
  subscribe(subject: string): void {
    const connection = this.#connection;
    connection?.subscribe(subject, {
      callback: (error, message) => {
        // The status of the connection reports a subscription that was denied.
        if (error === null && connection === this.#connection) this.#onMessage(message);
      },
    });
  }

  publish(subject: string, bytes: Uint8Array, reply?: string): PublishResult {
    const connection = this.#connection;
    if (connection === undefined) return 'disconnected';
    if (bytes.length > this.maxBytes) {
      this.log.warn('a message to other nodes exceeds max_payload of NATS; raise it', {
        bytes: bytes.length,
        maxPayload: this.maxBytes,
      });
      return 'too_large';
    }
    this.#publishedBytes += bytes.length;
    if (this.#publishedBytes - this.#ackedBytes > MAX_UNACKED_BYTES) {
      this.cut('NATS does not keep up');
      return 'disconnected';
    }
    try {
      connection.publish(subject, bytes, reply === undefined ? {} : { reply });
      return 'published';
    } catch (error) {
      // The connection is closing, which `closed` reports. A message must never end a connection that works.
      this.log.warn('NATS client refused a message', { reason: String(error) });
      return 'disconnected';
    }
  }

  announce(subject: string, bytes: Uint8Array): void {
    void this.publish(subject, bytes);
  }

  /** Pings the server; an answer resets {@link unansweredPings}. */
  ping(): void {
    this.#unansweredPings++;
    void this.flushed();
  }

  /** Resolves when the server has acknowledged everything published, or when the connection is lost. */
  async flushed(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const bytes = this.#publishedBytes;
    try {
      await Promise.race([connection.flush(), connection.closed()]);
    } catch {
      return;
    }
    if (connection !== this.#connection) return;
    this.#ackedBytes = Math.max(this.#ackedBytes, bytes);
    this.#unansweredPings = 0;
  }

  /** Records that the current connection works in both directions. Until then each attempt delays the next one. */
  confirm(): void {
    this.#attempts = 0;
    this.faults.linked(this.#connection?.getServer(), this.#incarnation);
  }

  /** Drops the connection with everything unsent, and opens another. */
  cut(reason: string): void {
    this.#drop({ kind: 'lost', reason });
  }

  /** Logs the reason why a connection does not carry what this node needs, drops it, and opens another. */
  refuse(message: string, reason: string): void {
    this.faults.fault('error', message, reason);
    this.#drop({ kind: 'refused', reason: `${message}: ${reason}` });
  }

  /** Closes the connection once everything is sent, and opens another. */
  renew(reason: string): void {
    this.#drop({ kind: 'lost', reason }, closeWhenSent);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) await closeNow(connection);
  }

  async #attempt(): Promise<void> {
    this.#cancelRetry = undefined;
    try {
      const connection = await this.dialer.dial(`switchboard ${this.identity.id}`);
      if (this.#stopped) return await closeNow(connection);
      this.#onOpen(connection);
    } catch (error) {
      this.#listener?.onDisconnected(this.faults.failedAttempt(error instanceof Error ? error.message : String(error)));
      this.#retry();
    }
  }

  #onOpen(connection: NatsLink): void {
    this.#connection = connection;
    this.#incarnation++;
    this.#publishedBytes = this.#ackedBytes = this.#unansweredPings = 0;
    void this.#watch(connection);
    void this.#readStatus(connection);
    try {
      this.#listener?.onConnected();
    } catch (fault) {
      // Without its snapshot this node is unknown to the others, so that the connection is of no use.
      this.log.error(fault);
      this.cut('the connection could not be set up');
    }
  }

  async #watch(connection: NatsLink): Promise<void> {
    const error = await connection.closed();
    const reason = error instanceof Error ? error.message : 'closed';
    if (connection === this.#connection) this.#onLost({ kind: 'lost', reason });
  }

  async #readStatus(connection: NatsLink): Promise<void> {
    for await (const status of connection.status()) {
      if (connection !== this.#connection) return;
      if (status.type === 'ldm') this.faults.lameDuck(status.server);
      else if (status.type === 'error' && !endsConnection(status.error.message))
        this.#listener?.onServerError(status.error);
    }
  }

  #drop(fault: LinkFault, close = closeNow): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#onLost(fault);
    void close(connection);
  }

  #onLost(fault: LinkFault): void {
    this.#connection = undefined;
    if (!this.#stopped && fault.kind === 'lost') this.faults.fault('warn', 'link lost', fault.reason);
    this.#listener?.onDisconnected(fault);
    this.#retry();
  }

  /** Adds jitter to the delay, because all nodes lose a server at the same moment. */
  #retry(): void {
    if (this.#stopped || this.#cancelRetry !== undefined) return;
    const delayMs = Math.min(this.maxRetryMs, FIRST_RETRY_MS * 2 ** this.#attempts++);
    this.#cancelRetry = this.clock.after(this.clock.jitter(delayMs), () => void this.#attempt());
  }

  #onMessage(message: Msg): void {
    try {
      if (isNoResponders(message)) this.#listener?.onNoResponders(message.subject);
      // The client gives an empty text for a message without a reply subject.
      else this.#listener?.onMessage(message.data, message.reply === '' ? undefined : message.reply);
    } catch (fault) {
      this.log.error(fault);
    }
  }
}
