import type { NodeIdentity } from '../../node/node-identity.js';
import type { DeliveryCallback, ClusterDelegate } from '../backplane.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { InFlight } from './in-flight.js';
import type { NatsConnector } from './nats-connector.js';
import { encodeMessage, finish, type MessageOrigin } from '../wire/node-codec.js';
import type { Fenced, Leave, RpcRequest, Receipt, RpcResponse, SnapshotRequest } from '../wire/node-message.js';
import { BatchAccumulator, type BatchSink } from './batch-accumulator.js';
import { RecentDepartures, snapshotChunks } from '../wire/snapshot-chunks.js';
import type { Subjects } from './subjects.js';

/** How long nodes that ask for a snapshot wait for others to ask, too; less than a joining node waits for it. */
const GATHER_ASKERS_MS = 100;

/** What this node says to the others, and on which subjects. */
export class NodePublisher implements BatchSink {
  readonly accumulator = new BatchAccumulator(this);
  readonly recentDepartures = new RecentDepartures();
  /** Nodes that asked for a snapshot and get one in a moment. */
  readonly #askers = new Set<string>();
  #saidGoodbye = false;

  constructor(
    readonly maxAgeMs: number,
    private readonly identity: NodeIdentity,
    private readonly subjects: Subjects,
    private readonly link: NatsConnector,
    private readonly inFlight: InFlight,
  ) {}

  get origin(): MessageOrigin {
    return { nodeId: this.identity.id, incarnation: this.link.number };
  }

  batch(number: number, part: string, bytes: ByteWriter, answers: readonly DeliveryCallback[]): void {
    const reply = this.subjects.receipt(this.identity.id, number);
    if (this.link.publish(this.subjects.deliveries(part), finish(bytes), reply))
      this.inFlight.add(number, part, answers, bytes.length);
    else for (const answer of answers) answer('unavailable');
  }

  events(bytes: ByteWriter): void {
    this.link.publish(this.subjects.all, finish(bytes));
  }

  /** Answers a batch. */
  receipt(reply: string, receipt: Receipt): void {
    this.link.publish(reply, encodeMessage(this.origin, receipt));
  }

  /** Tells one node something that has nothing to do with the order of all else. */
  sendTo(part: string, message: SnapshotRequest | Fenced | RpcRequest | RpcResponse): void {
    this.link.publish(this.subjects.control(part), encodeMessage(this.origin, message));
  }

  /** Gives a sign of life, behind all news. */
  heartbeat(): void {
    this.accumulator.flush();
    const { sequence } = this.accumulator;
    this.link.publish(this.subjects.all, encodeMessage(this.origin, { kind: 'heartbeat', sequence }));
  }

  /** Begins a link: who is here, to all, and the others shall say it too. */
  announce(delegate: ClusterDelegate): void {
    this.#askers.clear();
    this.#saidGoodbye = false;
    this.#snapshot(this.subjects.all, delegate, 'asks');
  }

  /**
   * Tells a node who is here, in a moment: all nodes ask at once when they have lost the same server, and are told at
   * once, or else what each of them said would grow with their number.
   */
  snapshot(part: string, delegate: ClusterDelegate, others: { readonly size: number }): void {
    if (this.#askers.size === 0) setTimeout(() => this.#answer(delegate, others.size), GATHER_ASKERS_MS).unref();
    this.#askers.add(part);
  }

  leave(): void {
    this.#saidGoodbye = true;
    this.accumulator.flush();
    this.link.publish(this.subjects.all, encodeMessage(this.origin, { kind: 'leave' } satisfies Leave));
  }

  #answer(delegate: ClusterDelegate, others: number): void {
    const parts = [...this.#askers];
    this.#askers.clear();
    const subjects = parts.length * 2 > others ? [this.subjects.all] : parts.map((part) => this.subjects.control(part));
    if (parts.length > 0 && !this.#saidGoodbye)
      for (const subject of subjects) this.#snapshot(subject, delegate, 'answers');
  }

  /** All news said before are in the list, all said after are not: so nothing may wait. */
  #snapshot(subject: string, delegate: ClusterDelegate, purpose: 'asks' | 'answers'): void {
    this.accumulator.flush();
    const { sequence } = this.accumulator;
    const pieces = snapshotChunks(
      this.origin,
      sequence,
      purpose === 'asks',
      delegate.localSessions(),
      this.recentDepartures,
    );
    for (const piece of pieces) this.link.publish(subject, piece);
  }
}
