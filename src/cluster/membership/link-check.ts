import { errors } from '@nats-io/transport-node';
import type { Clock } from '../clock.js';
import type { NatsConnector } from '../nats/nats-connector.js';
import { Refusals } from '../nats/refusals.js';
import type { Subjects } from '../nats/subjects.js';
import { TICKS_PER_HEARTBEAT } from '../ticks.js';
import { decodeBody, encodeMessage, type EncodedMessage } from '../wire/node-codec.js';

/** Denied operations on subjects of others that are logged for each connection; a stranger may choose such a subject. */
const MAX_LOGGED = 8;

/**
 * Checks that NATS carries messages of this node in both directions, on each subject that the node subscribes to. NATS
 * may deny any subject to a user, or lose a subscription, while the connection stays open. The node sends probes to
 * itself when it connects and with each heartbeat. A connection that fails is replaced, after a delay that grows.
 */
export class LinkCheck {
  /** Ticks since a message of this node came back, by subject. */
  readonly #silentTicks = new Map<string, number>();
  /** Subjects on which no message came back on this connection. */
  readonly #pending = new Set<string>();
  readonly #refusals: Refusals;
  /** Denied operations on subjects of others that were logged on this connection. */
  readonly #logged = new Set<string>();
  readonly #maxSilentTicks: number;
  #passed = false;

  /**
   * @param timeoutTicks the ticks in which another node has to answer
   * @param onPassed called once for each connection, when a message came back on each subject
   */
  constructor(
    private readonly connector: NatsConnector,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    timeoutTicks: number,
    private readonly onPassed: () => void,
  ) {
    this.#refusals = new Refusals(subjects);
    // A probe may wait for a heartbeat. Its way, and that of its receipt, may each take the time of an answer.
    this.#maxSilentTicks = TICKS_PER_HEARTBEAT + 2 * timeoutTicks;
  }

  /** Whether the last heartbeats of this node came back, so that those of other nodes would have come too. */
  get receivesHeartbeats(): boolean {
    return (this.#silentTicks.get(this.subjects.all) ?? 0) <= 2 * TICKS_PER_HEARTBEAT;
  }

  /** Starts the check on a new connection, on which the node has subscribed to its subjects. */
  start(): void {
    this.#passed = false;
    this.#refusals.clear();
    this.#logged.clear();
    this.#silentTicks.clear();
    this.#pending.clear();
    for (const subject of this.subjects.from(this.connector.origin.nodeId)) {
      this.#silentTicks.set(subject, 0);
      this.#pending.add(subject);
    }
    this.#probe(this.subjects.all);
    this.probe();
  }

  /** Sends probes to the subjects of this node alone. The heartbeats probe the subject of all nodes. */
  probe(): void {
    const { nodeId } = this.connector.origin;
    this.#probe(this.subjects.control(nodeId));
    const deliveries = this.subjects.deliveries(nodeId);
    this.#probe(deliveries, deliveries, this.subjects.receipt(nodeId, 0));
  }

  /** Counts one tick while NATS answers. @returns `false` where the connection has failed and is being replaced */
  tick(): boolean {
    if (this.connector.unansweredPings > 0) return true;
    const silent: string[] = [];
    for (const [subject, ticks] of this.#silentTicks) {
      this.#silentTicks.set(subject, ticks + 1);
      if (ticks >= this.#maxSilentTicks) silent.push(this.subjects.patternOf(subject));
    }
    if (silent.length > 0)
      this.connector.refuse(
        'messages of this node do not come back from NATS; check the account of the NATS user',
        silent.join(', '),
      );
    return silent.length === 0;
  }

  /** Records that a message of this node came back, where the current connection sent it. */
  onOwn(encoded: EncodedMessage, reply: string | undefined): void {
    const { nodeId, incarnation } = this.connector.origin;
    if (encoded.head.nodeId !== nodeId || encoded.head.incarnation !== incarnation) return;
    if (encoded.kind === 'heartbeat') return this.#returned(this.subjects.all);
    if (encoded.kind !== 'probe') return;
    const message = decodeBody(encoded);
    if (message.kind !== 'probe') return;
    // NATS may allow receipts as replies only, so the receipt is probed as the reply to a message.
    if (reply !== undefined) this.#probe(reply, this.subjects.receipt(nodeId, '*'));
    this.#returned(message.subject);
  }

  /**
   * Gives up the connection, unless the error is that a subject of others is denied. That is logged: a stranger may have
   * chosen the subject, and a denied kind of subject ends the connection with the next probe.
   */
  onServerError(error: Error): void {
    const isOfOther =
      error instanceof errors.PermissionViolationError &&
      !this.subjects.concerns(error.subject, this.connector.origin.nodeId);
    if (isOfOther) return this.#logOnce(this.#refusals.wordsOf(error));
    const isFirst = this.#refusals.words === undefined;
    this.#refusals.add(error);
    if (isFirst) void this.#refuse(this.connector.origin.incarnation);
  }

  /** Logs a denied operation once for each connection, because each receipt has a subject of its own. */
  #logOnce(denied: string): void {
    if (this.#logged.has(denied) || this.#logged.size >= MAX_LOGGED) return;
    this.#logged.add(denied);
    this.connector.faults.fault('error', 'NATS permissions deny a subject', denied);
  }

  #returned(subject: string): void {
    if (!this.#silentTicks.has(subject)) return;
    this.#silentTicks.set(subject, 0);
    this.#pending.delete(subject);
    if (this.#passed || this.#pending.size > 0 || this.#refusals.words !== undefined) return;
    this.#passed = true;
    this.onPassed();
  }

  /** Gives up the connection once the server has reported every error of what was sent before. */
  async #refuse(incarnation: number): Promise<void> {
    await this.connector.flushed();
    this.clock.atEndOfTurn(() => {
      const { words } = this.#refusals;
      if (words !== undefined && incarnation === this.connector.origin.incarnation)
        this.connector.refuse(words.message, words.reason);
    });
  }

  #probe(to: string, subject = to, reply?: string): void {
    const probe = encodeMessage(this.connector.origin, { kind: 'probe', subject }, this.clock.now());
    void this.connector.publish(to, probe, reply);
  }
}
