import type { NodeIdentity } from '../lifecycle/node-identity.js';
import type { Answer, Node } from './backplane.js';
import type { ByteWriter } from './byte-writer.js';
import type { InFlight } from './in-flight.js';
import type { NatsLink } from './nats-link.js';
import { encodeMessage, finish, type Speaker } from './node-codec.js';
import type { Fenced, Leave, Question, Receipt, Reply, Want } from './node-message.js';
import { Outgoing, type Sender } from './outgoing.js';
import { Departures, snapshotPieces } from './snapshot-pieces.js';
import type { Subjects } from './subjects.js';

/** How long nodes that ask for a snapshot wait for others to ask, too; less than a joining node waits for it. */
const GATHER_ASKERS_MS = 100;

/** What this node says to the others, and on which subjects. */
export class Voice implements Sender {
  readonly outgoing = new Outgoing(this);
  readonly departures = new Departures();
  /** Nodes that asked for a snapshot and get one in a moment. */
  readonly #askers = new Set<string>();
  #saidGoodbye = false;

  constructor(
    readonly maxAgeMs: number,
    private readonly identity: NodeIdentity,
    private readonly subjects: Subjects,
    private readonly link: NatsLink,
    private readonly inFlight: InFlight,
  ) {}

  get speaker(): Speaker {
    return { part: this.identity.part, link: this.link.number };
  }

  batch(number: number, part: string, bytes: ByteWriter, answers: readonly Answer[]): void {
    const reply = this.subjects.receipt(this.identity.part, number);
    if (this.link.publish(this.subjects.mail(part), finish(bytes), reply))
      this.inFlight.add(number, part, answers, bytes.length);
    else for (const answer of answers) answer('unavailable');
  }

  news(bytes: ByteWriter): void {
    this.link.publish(this.subjects.all, finish(bytes));
  }

  /** Answers a batch. */
  receipt(reply: string, receipt: Receipt): void {
    this.link.publish(reply, encodeMessage(this.speaker, receipt));
  }

  /** Tells one node something that has nothing to do with the order of all else. */
  say(part: string, message: Want | Fenced | Question | Reply): void {
    this.link.publish(this.subjects.to(part), encodeMessage(this.speaker, message));
  }

  /** Gives a sign of life, behind all news. */
  heartbeat(): void {
    this.outgoing.flush();
    const { sequence } = this.outgoing;
    this.link.publish(this.subjects.all, encodeMessage(this.speaker, { kind: 'heartbeat', sequence }));
  }

  /** Begins a link: who is here, to all, and the others shall say it too. */
  introduce(node: Node): void {
    this.#askers.clear();
    this.#saidGoodbye = false;
    this.#snapshot(this.subjects.all, node, 'asks');
  }

  /**
   * Tells a node who is here, in a moment: all nodes ask at once when they have lost the same server, and are told at
   * once, or else what each of them said would grow with their number.
   */
  snapshot(part: string, node: Node, others: { readonly size: number }): void {
    if (this.#askers.size === 0) setTimeout(() => this.#answer(node, others.size), GATHER_ASKERS_MS).unref();
    this.#askers.add(part);
  }

  leave(): void {
    this.#saidGoodbye = true;
    this.outgoing.flush();
    this.link.publish(this.subjects.all, encodeMessage(this.speaker, { kind: 'leave' } satisfies Leave));
  }

  #answer(node: Node, others: number): void {
    const parts = [...this.#askers];
    this.#askers.clear();
    const subjects = parts.length * 2 > others ? [this.subjects.all] : parts.map((part) => this.subjects.to(part));
    if (parts.length > 0 && !this.#saidGoodbye)
      for (const subject of subjects) this.#snapshot(subject, node, 'answers');
  }

  /** All news said before are in the list, all said after are not: so nothing may wait. */
  #snapshot(subject: string, node: Node, purpose: 'asks' | 'answers'): void {
    this.outgoing.flush();
    const { sequence } = this.outgoing;
    const pieces = snapshotPieces(this.speaker, sequence, purpose === 'asks', node.here(), this.departures);
    for (const piece of pieces) this.link.publish(subject, piece);
  }
}
