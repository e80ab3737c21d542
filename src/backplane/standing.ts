import { setTimeout as delay } from 'node:timers/promises';
import type { NodeIdentity } from '../lifecycle/node-identity.js';
import type { Log } from '../telemetry/log.js';
import type { Node } from './backplane.js';
import { LOOKS, type Members } from './members.js';
import type { NatsLink } from './nats-link.js';
import type { Subjects } from './subjects.js';
import type { Voice } from './voice.js';

/** How long a node that has come or come back waits for the snapshots of the others before it takes messages. */
const GATHER_MS = 200;
/** How long a goodbye may take where NATS does not answer. */
const GOODBYE_MS = 1000;
/** Looks between two heartbeats, and looks without an answer of NATS after which the link is given up. */
export const BEAT_LOOKS = 4;
const LOST_LOOKS = 12;

/** What a standing is made of. */
export interface StandingParts {
  readonly node: Node;
  readonly identity: NodeIdentity;
  readonly members: Members;
  readonly link: NatsLink;
  readonly voice: Voice;
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
export class Standing {
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

  constructor(private readonly parts: StandingParts) {}

  /** Whether others can be reached, and reach this node. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Whether whoever is alive must have been heard by now: a time-out has passed since this node joined. */
  get knowsAll(): boolean {
    return this.#looks - this.#joinedAtLook >= LOOKS;
  }

  /**
   * Whether the clock of a node first heard at this moment is not known yet: this process has stood still, so that all it
   * has heard of that node may have waited as long, and no heartbeat of it has come since.
   */
  doubts(heardSinceMs: number): boolean {
    this.#noteSleep();
    return heardSinceMs >= this.#fellAsleepMs && this.#looks <= this.#doubtsUntilLook;
  }

  get unlinkedSinceMs(): number | undefined {
    return this.#unlinkedSinceMs;
  }

  /** Resolves when this node has joined, or NATS does not answer. */
  async begin(): Promise<void> {
    const { link, nodeTimeoutMs } = this.parts;
    this.#timer = setInterval(() => this.#look(), nodeTimeoutMs / LOOKS);
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    await link.connect();
    if (link.open) await settled;
  }

  /** Says goodbye. */
  async end(): Promise<void> {
    const { link, voice } = this.parts;
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    if (link.open) {
      voice.leave();
      await Promise.race([link.flushed(), delay(GOODBYE_MS, undefined, { ref: false })]);
    }
    this.#joined = false;
    await link.stop();
    this.parts.lost();
  }

  up(): void {
    const { voice, members, node } = this.parts;
    voice.outgoing.reset();
    members.beginAnew();
    voice.introduce(node);
    this.#gathering = setTimeout(() => this.#join(), GATHER_MS);
  }

  down(): void {
    clearTimeout(this.#gathering);
    this.#joined = false;
    this.#unlinkedSinceMs ??= performance.now();
    this.#settled();
    this.parts.lost();
  }

  /** The others have told our sessions' departures: the sessions must end, and new ones need a new name. */
  fenced(): void {
    const { identity, log, node, voice, members, link } = this.parts;
    log.warn('given up by other nodes: all sessions end', { part: identity.part });
    node.givenUp();
    voice.leave();
    members.end(identity.part);
    identity.renew();
    link.renew('given up by other nodes');
  }

  /** Whoever comes first when this process wakes: the timer of the looks, or what it had been sent meanwhile. */
  #noteSleep(): void {
    const { nodeTimeoutMs, voice } = this.parts;
    if (performance.now() - this.#lookedAtMs <= nodeTimeoutMs / LOOKS + voice.maxAgeMs) return;
    this.#fellAsleepMs = this.#lookedAtMs;
    this.#doubtsUntilLook = this.#looks + BEAT_LOOKS + 1;
  }

  #join(): void {
    const { link, subjects, identity, members, log } = this.parts;
    link.subscribe(subjects.mail(identity.part));
    this.#joined = true;
    this.#joinedAtLook = this.#looks;
    this.#unlinkedSinceMs = undefined;
    log.info('joined', { nodes: members.size + 1, part: identity.part });
    this.#settled();
  }

  /** Judges the others, but only while our own link answers. */
  #look(): void {
    const { link, voice, members, log, lost } = this.parts;
    this.#noteSleep();
    this.#lookedAtMs = performance.now();
    this.#looks++;
    if (!link.open) return;
    if (link.unprovenLooks > LOST_LOOKS) return link.cut('NATS does not answer');
    link.prove();
    if (this.#looks % BEAT_LOOKS === 0) voice.heartbeat();
    for (const { part } of members.look()) {
      log.warn('a node is dead', { part });
      lost(part);
    }
  }
}
