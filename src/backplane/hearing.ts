import type { NodeIdentity } from '../lifecycle/node-identity.js';
import type { Log } from '../telemetry/log.js';
import type { Node, Refusal } from './backplane.js';
import type { InFlight } from './in-flight.js';
import type { Member } from './member.js';
import type { Members } from './members.js';
import { decodeMessage, isUnderstood, versionOf } from './node-codec.js';
import { NODE_VERSION, type Batch, type Head, type NodeMessage, type Request } from './node-message.js';
import type { Voice } from './voice.js';

/** What a node does about what it hears, beside what its members keep. */
export interface Listener {
  /** Whether batches are carried out: this node knows who is where. */
  linked(): boolean;
  /** The others have given this node up. */
  fenced(): void;
}

/** Understands what other nodes say and carries it out. */
export class Hearing {
  constructor(
    private readonly listener: Listener,
    private readonly node: Node,
    private readonly identity: NodeIdentity,
    private readonly members: Members,
    private readonly voice: Voice,
    private readonly inFlight: InFlight,
    private readonly log: Log,
  ) {}

  /** @param reply where a batch is answered */
  hear(bytes: Uint8Array, reply: string | undefined): void {
    const version = versionOf(bytes);
    if (!isUnderstood(version))
      return this.log.warn('a node of a version that does not fit is not heard', { version, ours: NODE_VERSION });
    const { head, message } = decodeMessage(bytes);
    // Also by a node that we have given up ourselves: else two that gave up each other would never meet again.
    if (message.kind === 'fenced') return message.part === this.identity.part ? this.listener.fenced() : undefined;
    const member = this.members.hear(head, performance.now());
    if (member === undefined) this.#unwelcome(head, message, reply);
    else this.#carryOut(member, head, message, reply);
  }

  /** A node that was given up lives after all: it must know. */
  #unwelcome({ part }: Head, message: NodeMessage, reply: string | undefined): void {
    if (!this.members.isGone(part)) return;
    if (message.kind === 'batch' && reply !== undefined) this.#answer(reply, message, () => 'unavailable');
    if (message.kind === 'heartbeat' || message.kind === 'snapshot') this.voice.say(part, { kind: 'fenced', part });
  }

  #carryOut(member: Member, head: Head, message: NodeMessage, reply: string | undefined): void {
    switch (message.kind) {
      case 'heartbeat':
        member.asked = false;
        if (!member.isUpTo(message.sequence)) this.#want(member);
        return;
      case 'news':
        // Who has just come back has asked everybody already.
        if (!member.news(message) && this.listener.linked()) this.#want(member);
        return;
      case 'snapshot':
        member.snapshot(message);
        if (message.asks) this.voice.snapshot(member.part, this.node);
        return;
      case 'batch':
        return this.#batch(member, head, message, reply);
      case 'receipt':
        return this.inFlight.settle(message);
      case 'want':
        return this.voice.snapshot(member.part, this.node);
      case 'leave':
        this.members.end(member.part);
        this.inFlight.failNode(member.part);
        return;
      case 'fenced':
      case 'unknown':
    }
  }

  /** Once a heartbeat: what is under way comes before the next. */
  #want(member: Member): void {
    member.lose();
    if (member.asked) return;
    member.asked = true;
    this.voice.say(member.part, { kind: 'want' });
  }

  #batch(member: Member, { sentAtMs }: Head, batch: Batch, reply: string | undefined): void {
    if (reply === undefined) return;
    const fresh = member.clock.ageMs(sentAtMs, performance.now()) <= batch.maxAgeMs;
    const takes = fresh && member.synced && this.listener.linked();
    this.#answer(reply, batch, takes ? (request) => this.#do(request) : () => 'unavailable');
  }

  #answer(reply: string, { number, items }: Batch, work: (request: Request | undefined) => Refusal | undefined): void {
    const refused: [number, Refusal][] = [];
    for (const [index, request] of items.entries()) {
      const refusal = work(request);
      if (refusal !== undefined) refused.push([index, refusal]);
    }
    this.voice.receipt(reply, { kind: 'receipt', number, refused });
  }

  #do(request: Request | undefined): Refusal | undefined {
    if (request === undefined) return 'unavailable';
    if (request.type === 'kick') return this.node.kick(request.receiver) ? undefined : 'receiver_not_found';
    return this.node.deliver(request.sender, request.receiver, request.frame);
  }
}
