import type { NodeIdentity } from '../../node/node-identity.js';
import type { Settings } from '../../settings/settings.js';
import type { Log } from '../../telemetry/log.js';
import type { ClusterDelegate } from '../backplane.js';
import type { CancelTimer, Clock } from '../clock.js';
import type { NatsDialer } from '../nats/nats-access.js';
import type { LinkFault } from '../nats/link-log.js';
import { NatsConnector, type ConnectorListener } from '../nats/nats-connector.js';
import { NodePublisher } from '../nats/node-publisher.js';
import { Subjects } from '../nats/subjects.js';
import { MAX_UNANSWERED_PINGS, TICKS_PER_HEARTBEAT, TICKS_PER_TIMEOUT } from '../ticks.js';
import { decodeBody, decodeHead, isSupported, versionOf } from '../wire/node-codec.js';
import { NODE_VERSION } from '../wire/node-message.js';
import { JoinState } from './join-state.js';
import { LinkCheck } from './link-check.js';
import { MemberList } from './member-list.js';
import { NodeReceiver } from './node-receiver.js';
import { RequestExecutor } from './request-executor.js';

/** The time that a connected node waits for the snapshots of the others before it takes batches. */
const SNAPSHOT_WAIT_MS = 200;
/** The time that `leave` may take where NATS does not answer. */
const LEAVE_TIMEOUT_MS = 1000;
/** The part of `BACKPLANE_TIMEOUT_MS` in which a batch may be executed, and its receipt may arrive at the earliest. */
const EXECUTION_SHARE = 0.5;

/** The outside of this process: time and the network. */
export interface ClusterIo {
  readonly clock: Clock;
  readonly dialer: NatsDialer;
}

/**
 * Joins this node to a cluster over NATS, and rejoins after a disconnection.
 *
 *   connected ──▶ own messages came back ──▶ own snapshot to all ──▶ snapshots of the others ──▶ joined, takes batches
 */
export class Membership implements ConnectorListener {
  readonly members: MemberList;
  readonly publisher: NodePublisher;
  readonly state: JoinState;
  readonly #subjects: Subjects;
  readonly #connector: NatsConnector;
  readonly #receiver: NodeReceiver;
  readonly #linkCheck: LinkCheck;
  readonly #tickMs: number;
  /** Versions that were logged as incompatible. At most 256, because a version is one byte. */
  readonly #loggedVersions = new Set<number>();
  readonly #clock: Clock;
  #cancelTick: CancelTimer | undefined;
  #cancelJoin: CancelTimer | undefined;
  #onStarted: () => void = () => undefined;

  constructor(
    private readonly delegate: ClusterDelegate,
    private readonly settings: Settings,
    private readonly identity: NodeIdentity,
    private readonly log: Log,
    { clock, dialer }: ClusterIo,
  ) {
    const { backplaneTimeoutMs: timeoutMs, natsSubject, nodeTimeoutMs } = settings;
    const maxAgeMs = timeoutMs * EXECUTION_SHARE;
    this.#tickMs = nodeTimeoutMs / TICKS_PER_TIMEOUT;
    this.#clock = clock;
    this.#subjects = new Subjects(natsSubject);
    this.#connector = new NatsConnector(dialer, clock, identity, log, this.#tickMs * TICKS_PER_HEARTBEAT);
    this.members = new MemberList(delegate);
    this.state = new JoinState(clock);
    this.publisher = new NodePublisher(this.#connector, this.#subjects, delegate, { timeoutMs, maxAgeMs }, clock);
    const executor = new RequestExecutor(delegate, this.state, this.publisher, log, clock);
    this.#receiver = new NodeReceiver(this.members, this.state, this.publisher, executor);
    const timeoutTicks = Math.ceil(timeoutMs / this.#tickMs);
    this.#linkCheck = new LinkCheck(this.#connector, this.#subjects, clock, timeoutTicks, () => this.#announce());
  }

  /** Connects. Resolves when this node has joined, or when NATS does not answer or refuses it. */
  async start(): Promise<void> {
    this.#cancelTick = this.#clock.every(this.#tickMs, () => this.#tick());
    const started = new Promise<void>((resolve) => {
      this.#onStarted = resolve;
    });
    await this.#connector.connect(this);
    if (this.#connector.open) await started;
  }

  /** Leaves the cluster and disconnects. */
  async stop(): Promise<void> {
    this.#cancelTick?.();
    this.#cancelJoin?.();
    if (this.publisher.announced) {
      this.publisher.leave();
      await this.#flushedWithin(LEAVE_TIMEOUT_MS);
    }
    this.state.disconnect('lost', 'stopped');
    await this.#connector.stop();
    this.publisher.failPending();
  }

  onConnected(): void {
    if (!this.publisher.fits(0)) {
      const reason = `max_payload is ${this.#connector.maxBytes}`;
      return this.#connector.refuse('NATS accepts no message of 150,000 bytes; raise max_payload', reason);
    }
    if (!this.publisher.fits(this.settings.maxMessageBytes))
      this.log.warn('max_payload of NATS is below MAX_MESSAGE_BYTES + 150,000; raise it', {
        maxPayload: this.#connector.maxBytes,
      });
    for (const subject of this.#subjects.from(this.identity.id)) this.#connector.subscribe(subject);
    this.#linkCheck.start();
  }

  onDisconnected({ kind, reason }: LinkFault): void {
    this.#cancelJoin?.();
    this.state.disconnect(kind, reason);
    this.#onStarted();
    this.publisher.failPending();
  }

  onServerError(error: Error): void {
    this.#linkCheck.onServerError(error);
  }

  /**
   * Passes a message on to the receiver, unless its version is incompatible or this node sent it, under whatever id.
   */
  onMessage(bytes: Uint8Array, reply: string | undefined): void {
    const version = versionOf(bytes);
    if (!isSupported(version)) return this.#logIncompatible(version);
    const encoded = decodeHead(bytes);
    const { head } = encoded;
    // A delayed message of a connection that was given up must not make this node a member of its own list.
    if (this.identity.isOwn(head.nodeId)) return this.#linkCheck.onOwn(encoded, reply);
    // Before its snapshot this node is silent, so that the others count it as absent.
    if (!this.publisher.announced || encoded.kind === 'probe') return;
    const message = decodeBody(encoded);
    // Accept `fenced` from former members too, or two nodes that fenced each other could never rejoin.
    if (message.kind === 'fenced') return message.nodeId === this.identity.id ? this.#rejoin() : undefined;
    const member = this.members.receive(head);
    if (member === undefined) this.#receiver.refuse(head, message, reply);
    else this.#receiver.receive(member, head, message, reply);
  }

  /** Fails the batch of this receipt. A known member will subscribe again; an unknown node does not exist. */
  onNoResponders(reply: string): void {
    const number = this.#subjects.numberOf(reply);
    const nodeId = this.publisher.inFlight.nodeOf(number);
    const isMember = nodeId !== undefined && this.members.has(nodeId);
    this.publisher.inFlight.fail(number, isMember ? 'unavailable' : 'receiver_not_found');
  }

  /** Makes this node known to the others, because the connection works in both directions. */
  #announce(): void {
    this.#connector.confirm();
    this.members.resetForReconnect();
    this.publisher.announce();
    this.#cancelJoin = this.#clock.after(SNAPSHOT_WAIT_MS, () => this.#join());
  }

  /** Resolves when NATS has everything, or after a time. */
  async #flushedWithin(timeoutMs: number): Promise<void> {
    let cancel: CancelTimer | undefined;
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#clock.after(timeoutMs, resolve);
    });
    await Promise.race([this.#connector.flushed(), timeout]);
    cancel?.();
  }

  #join(): void {
    const { id } = this.identity;
    this.state.join();
    this.log.info('joined', { nodes: this.members.size + 1, part: id });
    this.#onStarted();
  }

  /** Ends all sessions and reconnects under a new node id, because other nodes have declared this node dead. */
  #rejoin(): void {
    const { id } = this.identity;
    this.log.warn('fenced by other nodes; closing all sessions', { part: id });
    this.delegate.onFenced();
    this.publisher.leave();
    this.identity.renew();
    this.#connector.renew('fenced by other nodes');
  }

  /** Pings NATS. Counts silence while NATS answers, that of the members while heartbeats come back. */
  #tick(): void {
    const heartbeatIsDue = this.state.tick();
    if (!this.#connector.open) return;
    if (this.#connector.unansweredPings > MAX_UNANSWERED_PINGS) return this.#connector.cut('NATS does not answer');
    if (!this.#linkCheck.tick()) return;
    this.#connector.ping();
    if (!this.publisher.announced) return;
    if (heartbeatIsDue) {
      this.publisher.heartbeat();
      this.#linkCheck.probe();
      for (const nodeId of this.members.nodeIds()) this.publisher.ping(nodeId);
    }
    if (!this.#linkCheck.receivesHeartbeats) return;
    for (const { nodeId } of this.members.tick()) {
      this.log.warn('a node is dead', { part: nodeId });
      this.publisher.failNode(nodeId);
    }
  }

  /** Logs a version once, because such a node sends several messages a second. */
  #logIncompatible(version: number): void {
    if (this.#loggedVersions.has(version)) return;
    this.#loggedVersions.add(version);
    this.log.warn('ignoring node with incompatible protocol version', { version, ours: NODE_VERSION });
  }
}
