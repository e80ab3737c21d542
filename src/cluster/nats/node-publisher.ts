import type { ClusterDelegate, RpcResult, SessionDetails } from '../backplane.js';
import type { Clock } from '../clock.js';
import type { JsonMessage } from '../wire/json-body.js';
import { encodeMessage } from '../wire/node-codec.js';
import type {
  ClusterEvent,
  Fenced,
  Receipt,
  Request,
  RpcRequest,
  RpcResponse,
  SnapshotRequest,
} from '../wire/node-message.js';
import { snapshotChunks } from '../wire/snapshot-chunks.js';
import { BatchAccumulator, fitsIntoBatch, type PublishResult } from './batch-accumulator.js';
import { InFlight, type RequestCallback } from './in-flight.js';
import type { NatsConnector } from './nats-connector.js';
import { PendingRpcs } from './pending-rpcs.js';
import { RecentDepartures } from './recent-departures.js';
import type { Subjects } from './subjects.js';

/** Bytes in flight to one node. Requests beyond them are `unavailable`. */
const MAX_BYTES_TO_NODE = 16 * 1024 * 1024;
/** Nodes with batches in flight. Exceeds the limit of members, because a joining node sends to unknown nodes too. */
const MAX_NODES_IN_FLIGHT = 2048;
/** Delay of a snapshot, so that simultaneous requests share one. Shorter than a joining node waits for snapshots. */
const SNAPSHOT_DELAY_MS = 100;

/** Sessions in one RPC for details: with the longest users, so many still fit into the least `max_payload`. */
const MAX_DETAILS_PER_RPC = 64;

/** Durations of a request, from `BACKPLANE_TIMEOUT_MS`. */
export interface RequestTimes {
  /** The time after which a request without an answer fails. */
  readonly timeoutMs: number;
  /** The age up to which the receiving node may execute a batch. */
  readonly maxAgeMs: number;
}

/** Sends the messages of this node over NATS, and keeps the requests among them until they are answered. */
export class NodePublisher {
  readonly inFlight: InFlight;
  readonly pendingRpcs: PendingRpcs;
  readonly #accumulator: BatchAccumulator;
  readonly #recentDepartures = new RecentDepartures();
  /** Nodes that get a snapshot after the delay. */
  readonly #snapshotReceivers = new Set<string>();
  #announced = false;
  #left = false;

  constructor(
    private readonly connector: NatsConnector,
    private readonly subjects: Subjects,
    private readonly delegate: ClusterDelegate,
    { timeoutMs, maxAgeMs }: RequestTimes,
    private readonly clock: Clock,
  ) {
    this.inFlight = new InFlight(timeoutMs, clock);
    this.pendingRpcs = new PendingRpcs(timeoutMs, clock);
    this.#accumulator = new BatchAccumulator(connector, subjects, this.inFlight, maxAgeMs, clock);
  }

  /** Whether other nodes know this connection. Nothing is published for them before. */
  get announced(): boolean {
    return this.#announced;
  }

  /** Requests without an outcome. */
  get waiting(): number {
    return this.inFlight.waiting + this.#accumulator.waiting;
  }

  /** Whether a frame of so many bytes fits into a NATS message. */
  fits(frameBytes: number): boolean {
    return fitsIntoBatch(frameBytes, this.connector.maxBytes);
  }

  /** Queues a request for one node. The callback gets the outcome where the result is `queued`. */
  request(nodeId: string, request: Request, callback: RequestCallback): 'queued' | 'unavailable' {
    const { inFlight } = this;
    const fits = this.fits('frame' in request ? request.frame.length : 0);
    if (!fits || inFlight.bytesTo(nodeId) > MAX_BYTES_TO_NODE || inFlight.nodes >= MAX_NODES_IN_FLIGHT)
      return 'unavailable';
    this.#accumulator.addRequest(nodeId, request, callback);
    return 'queued';
  }

  /**
   * Queues an event for all nodes. Drops it before {@link announce}, because the snapshot covers it.
   */
  event(clusterEvent: ClusterEvent): void {
    if (clusterEvent.type === 'departed') this.#recentDepartures.add(clusterEvent.id, clusterEvent.code);
    if (this.#announced) this.#accumulator.addEvent(clusterEvent);
  }

  /** Calls one node. Resolves with `unavailable` where no response comes in time. */
  call(nodeId: string, request: Omit<RpcRequest, 'kind' | 'number'>): Promise<RpcResult> {
    return this.pendingRpcs.call(nodeId, (number) => {
      const result = this.#sendTo(nodeId, { kind: 'rpcRequest', number, ...request });
      return result === 'published' ? undefined : result === 'too_large' ? result : 'unavailable';
    });
  }

  /** Returns the details of sessions of one node, as far as the node answers in time. */
  async sessionDetails(nodeId: string, ids: readonly string[]): Promise<SessionDetails[]> {
    const calls: Promise<RpcResult>[] = [];
    for (let from = 0; from < ids.length; from += MAX_DETAILS_PER_RPC)
      calls.push(this.call(nodeId, { detailsOf: ids.slice(from, from + MAX_DETAILS_PER_RPC) }));
    const results = await Promise.all(calls);
    return results.flatMap((result) => (typeof result === 'string' ? [] : (result.reply as SessionDetails[])));
  }

  /** Measures the clock of a node by a round trip: asks for the details of no sessions. */
  ping(nodeId: string): void {
    void this.call(nodeId, { detailsOf: [] });
  }

  /** Answers an RPC; with the reason where the reply cannot be sent. */
  respond(nodeId: string, response: RpcResponse): void {
    if (this.#sendTo(nodeId, response) !== 'too_large') return;
    void this.#sendTo(nodeId, { kind: 'rpcResponse', number: response.number, failure: 'too_large' });
  }

  /**
   * Answers a batch, after the events that it caused: a node whose request to join has succeeded has the new member. A lost
   * receipt makes the sending node time out.
   *
   * @param reply the receipt subject of the batch
   */
  receipt(reply: string, receipt: Receipt): void {
    this.#accumulator.sendEvents();
    this.connector.announce(reply, this.#encode(receipt));
  }

  /** Sends one node a message that is sent again where it is lost. */
  notify(nodeId: string, message: SnapshotRequest | Fenced): void {
    void this.#sendTo(nodeId, message);
  }

  /** Sends a heartbeat, after all events. */
  heartbeat(): void {
    this.#accumulator.flush();
    const { sequence } = this.#accumulator;
    this.connector.announce(this.subjects.all, this.#encode({ kind: 'heartbeat', sequence }));
  }

  /** Starts a new connection with a snapshot to all nodes, and requests theirs. */
  announce(): void {
    this.#snapshotReceivers.clear();
    this.#announced = true;
    this.#left = false;
    this.#accumulator.reset();
    this.#snapshot(this.subjects.all, 'request');
  }

  /**
   * Sends a node a snapshot, delayed so that simultaneous requests share one. After the loss of a NATS server all nodes
   * request snapshots at once, and single answers would grow with the square of the nodes.
   */
  scheduleSnapshot(nodeId: string, peers: { readonly size: number }): void {
    if (this.#snapshotReceivers.size === 0) this.clock.after(SNAPSHOT_DELAY_MS, () => this.#sendSnapshots(peers.size));
    this.#snapshotReceivers.add(nodeId);
  }

  /** Announces that this node leaves, after everything else. */
  leave(): void {
    this.#left = true;
    this.#accumulator.flush();
    this.connector.announce(this.subjects.all, this.#encode({ kind: 'leave' }));
  }

  /** Fails the requests to a node that has left or is dead. */
  failNode(nodeId: string): void {
    this.inFlight.failNode(nodeId);
    this.pendingRpcs.failNode(nodeId);
  }

  /** Fails every request, because the connection that would carry the answers is lost. */
  failPending(): void {
    this.#announced = false;
    this.#accumulator.reset();
    this.inFlight.failAll();
    this.pendingRpcs.failAll();
  }

  /** Resolves when the NATS server has everything that was published. */
  async flushed(): Promise<void> {
    this.#accumulator.flush();
    await this.connector.flushed();
  }

  #sendSnapshots(peerCount: number): void {
    const nodeIds = [...this.#snapshotReceivers];
    this.#snapshotReceivers.clear();
    if (nodeIds.length === 0 || this.#left) return;
    const toMost = nodeIds.length * 2 > peerCount;
    const subjects = toMost ? [this.subjects.all] : nodeIds.map((nodeId) => this.subjects.control(nodeId));
    for (const subject of subjects) this.#snapshot(subject, 'answer');
  }

  /** Flushes first, so that the snapshot reflects exactly the events published before it. */
  #snapshot(subject: string, purpose: 'request' | 'answer'): void {
    this.#accumulator.flush();
    const { sequence } = this.#accumulator;
    const chunks = snapshotChunks(
      this.connector.origin,
      { sequence, requestsSnapshots: purpose === 'request', sentAtMs: this.clock.now() },
      this.delegate.localSessions(),
      this.#recentDepartures.all(),
      this.connector.maxBytes,
    );
    for (const chunk of chunks) this.connector.announce(subject, chunk);
  }

  /** Sends one node a message whose order among events and batches does not matter. */
  #sendTo(nodeId: string, message: SnapshotRequest | Fenced | RpcRequest | RpcResponse): PublishResult {
    return this.connector.publish(this.subjects.control(nodeId), this.#encode(message));
  }

  #encode(message: JsonMessage | Receipt): Buffer {
    return encodeMessage(this.connector.origin, message, this.clock.now());
  }
}
