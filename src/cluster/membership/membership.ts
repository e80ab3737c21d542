import { setTimeout as delay } from 'node:timers/promises';
import type { NodeIdentity } from '../../node/node-identity.js';
import type { Log } from '../../telemetry/log.js';
import type { ClusterDelegate } from '../backplane.js';
import { TICKS_PER_TIMEOUT, type MemberList } from './member-list.js';
import type { NatsConnector } from '../nats/nats-connector.js';
import type { Subjects } from '../nats/subjects.js';
import type { NodePublisher } from '../nats/node-publisher.js';

/** How long a node that has come or come back waits for the snapshots of the others before it takes messages. */
const GATHER_MS = 200;
/** How long a goodbye may take where NATS does not answer. */
const GOODBYE_MS = 1000;
/** Looks between two heartbeats, and looks without an answer of NATS after which the link is given up. */
export const TICKS_PER_HEARTBEAT = 4;
const MAX_UNANSWERED_PINGS = 12;

/** What a standing is made of. */
export interface MembershipOptions {
  readonly delegate: ClusterDelegate;
  readonly identity: NodeIdentity;
  readonly members: MemberList;
  readonly link: NatsConnector;
  readonly publisher: NodePublisher;
  readonly subjects: Subjects;
  readonly nodeTimeoutMs: number;
  readonly log: Log;
  /** Nothing that was asked will be answered: all of it, or what one node was asked. */
  readonly lost: (part?: string) => void;
}

/**
 * Whether this node is one of the cluster, and who else is.
 *
 *   link up ──▶ our snapshot to all ──▶ theirs to us ──▶ joined: batches are heard ──▶ news, batches, heartbeats …
 */
export class Membership {
  #joined = false;
  #unlinkedSinceMs: number | undefined = performance.now();
  #looks = 0;
  #joinedAtLook = 0;
  #lookedAtMs = performance.now();
  #fellAsleepMs = Number.POSITIVE_INFINITY;
  #doubtsUntilLook = 0;
  #timer: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #settled: () => void = () => undefined;

  constructor(private readonly parts: MembershipOptions) {}

  /** Whether others can be reached, and reach this node. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Whether whoever is alive must have been heard by now: a time-out has passed since this node joined. */
  get settled(): boolean {
    return this.#looks - this.#joinedAtLook >= TICKS_PER_TIMEOUT;
  }

  /**
   * Whether the clock of a node first heard at this moment is not known yet: this process has stood still, so that all it
   * has heard of that node may have waited as long, and no heartbeat of it has come since.
   */
  hasUntrustedClock(heardSinceMs: number): boolean {
    this.#noteSleep();
    return heardSinceMs >= this.#fellAsleepMs && this.#looks <= this.#doubtsUntilLook;
  }

  get disconnectedSinceMs(): number | undefined {
    return this.#unlinkedSinceMs;
  }

  /** Resolves when this node has joined, or NATS does not answer. */
  async start(): Promise<void> {
    const { link, nodeTimeoutMs } = this.parts;
    this.#timer = setInterval(() => this.#look(), nodeTimeoutMs / TICKS_PER_TIMEOUT);
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    await link.connect();
    if (link.open) await settled;
  }

  /** Says goodbye. */
  async stop(): Promise<void> {
    const { link, publisher } = this.parts;
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    if (link.open) {
      publisher.leave();
      await Promise.race([link.flushed(), delay(GOODBYE_MS, undefined, { ref: false })]);
    }
    this.#joined = false;
    await link.stop();
    this.parts.lost();
  }

  onConnected(): void {
    const { publisher, members, delegate } = this.parts;
    publisher.accumulator.reset();
    members.resetForReconnect();
    publisher.announce(delegate);
    this.#gathering = setTimeout(() => this.#join(), GATHER_MS);
  }

  onDisconnected(): void {
    clearTimeout(this.#gathering);
    this.#joined = false;
    this.#unlinkedSinceMs ??= performance.now();
    this.#settled();
    this.parts.lost();
  }

  /** The others have told our sessions' departures: the sessions must end, and new ones need a new name. */
  onFenced(): void {
    const { identity, log, delegate, publisher, members, link } = this.parts;
    log.warn('given up by other nodes: all sessions end', { part: identity.id });
    delegate.onFenced();
    publisher.leave();
    members.remove(identity.id);
    identity.renew();
    link.renew('given up by other nodes');
  }

  /** Whoever comes first when this process wakes: the timer of the looks, or what it had been sent meanwhile. */
  #noteSleep(): void {
    const { nodeTimeoutMs, publisher } = this.parts;
    if (performance.now() - this.#lookedAtMs <= nodeTimeoutMs / TICKS_PER_TIMEOUT + publisher.maxAgeMs) return;
    this.#fellAsleepMs = this.#lookedAtMs;
    this.#doubtsUntilLook = this.#looks + TICKS_PER_HEARTBEAT + 1;
  }

  #join(): void {
    const { link, subjects, identity, members, log } = this.parts;
    link.subscribe(subjects.deliveries(identity.id));
    this.#joined = true;
    this.#joinedAtLook = this.#looks;
    this.#unlinkedSinceMs = undefined;
    log.info('joined', { nodes: members.size + 1, part: identity.id });
    this.#settled();
  }

  /** Judges the others, but only while our own link answers. */
  #look(): void {
    const { link, publisher, members, log, lost } = this.parts;
    this.#noteSleep();
    this.#lookedAtMs = performance.now();
    this.#looks++;
    if (!link.open) return;
    if (link.unansweredPings > MAX_UNANSWERED_PINGS) return link.cut('NATS does not answer');
    link.ping();
    if (this.#looks % TICKS_PER_HEARTBEAT === 0) publisher.heartbeat();
    for (const { nodeId } of members.tick()) {
      log.warn('a node is dead', { part: nodeId });
      lost(nodeId);
    }
  }
}
