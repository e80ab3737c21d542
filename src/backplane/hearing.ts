import type { NodeIdentity } from '../lifecycle/node-identity.js';
import type { Log } from '../telemetry/log.js';
import type { Node, Refusal } from './backplane.js';
import type { InFlight } from './in-flight.js';
import type { Member } from './member.js';
import type { Members } from './members.js';
import { decodeMessage, isUnderstood, versionOf } from './node-codec.js';
import { NODE_VERSION, type Batch, type Head, type NodeMessage, type Question, type Request } from './node-message.js';
import type { Questions } from './questions.js';
import type { Standing } from './standing.js';
import type { Voice } from './voice.js';

/** What a hearing is made of. */
export interface HearingParts {
  readonly node: Node;
  readonly identity: NodeIdentity;
  readonly members: Members;
  readonly voice: Voice;
  readonly standing: Standing;
  readonly inFlight: InFlight;
  readonly questions: Questions;
  readonly log: Log;
}

/** Understands what other nodes say and carries it out. */
export class Hearing {
  /** Versions that do not fit and were logged; a version is a byte. */
  readonly #misfits = new Set<number>();

  constructor(private readonly parts: HearingParts) {}

  /** @param reply where a batch is answered */
  hear(bytes: Uint8Array, reply: string | undefined): void {
    const version = versionOf(bytes);
    if (!isUnderstood(version)) return this.#misfit(version);
    const { head, message } = decodeMessage(bytes);
    // Also by a node that we have given up ourselves: else two that gave up each other would never meet again.
    if (message.kind === 'fenced')
      return message.part === this.parts.identity.part ? this.parts.standing.fenced() : undefined;
    const member = this.parts.members.hear(head, performance.now());
    if (member === undefined) this.#unwelcome(head, message, reply);
    else this.#carryOut(member, head, message, reply);
  }

  /** Said once for a version: such a node says something many times a second. */
  #misfit(version: number): void {
    if (this.#misfits.has(version)) return;
    this.#misfits.add(version);
    this.parts.log.warn('a node of a version that does not fit is not heard', { version, ours: NODE_VERSION });
  }

  /** A node that was given up lives after all: it must know. */
  #unwelcome({ part }: Head, message: NodeMessage, reply: string | undefined): void {
    if (!this.parts.members.isGone(part)) return;
    if (message.kind === 'batch' && reply !== undefined) this.#answer(reply, message, () => 'unavailable');
    if (message.kind !== 'leave') this.parts.voice.say(part, { kind: 'fenced', part });
  }

  #carryOut(member: Member, head: Head, message: NodeMessage, reply: string | undefined): void {
    switch (message.kind) {
      case 'heartbeat':
        member.asked = false;
        if (!member.isUpTo(message.sequence)) this.#want(member);
        return;
      case 'news':
        // Who has just come back has asked everybody already.
        if (!member.news(message) && this.parts.standing.joined) this.#want(member);
        return;
      case 'snapshot':
        member.snapshot(message);
        if (message.asks) this.#answerWithSnapshot(member);
        return;
      case 'batch':
        return this.#batch(member, head, message, reply);
      case 'receipt':
        return this.parts.inFlight.settle(message);
      case 'want':
        return this.#answerWithSnapshot(member);
      case 'leave':
        this.parts.members.end(member.part);
        this.parts.inFlight.failNode(member.part);
        return;
      case 'question':
        return void this.#reply(member, message);
      case 'reply':
        return this.parts.questions.answer(message.number, message.reply);
      case 'fenced':
      case 'unknown':
    }
  }

  #answerWithSnapshot({ part }: Member): void {
    const { voice, node, members } = this.parts;
    voice.snapshot(part, node, members);
  }

  /** Once a heartbeat: what is under way comes before the next. */
  #want(member: Member): void {
    member.lose();
    if (member.asked) return;
    member.asked = true;
    this.parts.voice.say(member.part, { kind: 'want' });
  }

  async #reply({ part }: Member, { number, views, work }: Question): Promise<void> {
    const { node, voice, log } = this.parts;
    try {
      const reply = views === undefined ? await node.work(work) : node.views(views);
      voice.say(part, { kind: 'reply', number, reply });
    } catch (error) {
      log.error(error);
    }
  }

  #batch(member: Member, { sentAtMs }: Head, batch: Batch, reply: string | undefined): void {
    if (reply === undefined) return;
    const { standing } = this.parts;
    const fresh = member.clock.ageMs(sentAtMs, performance.now()) <= batch.maxAgeMs;
    const takes = fresh && !standing.doubts(member.heardSinceMs) && member.synced && standing.joined;
    this.#answer(reply, batch, takes ? (request) => this.#do(request) : () => 'unavailable');
  }

  #answer(reply: string, { number, items }: Batch, work: (request: Request | undefined) => Refusal | undefined): void {
    const refused: [number, Refusal][] = [];
    for (const [index, request] of items.entries()) {
      const refusal = work(request);
      if (refusal !== undefined) refused.push([index, refusal]);
    }
    this.parts.voice.receipt(reply, { kind: 'receipt', number, refused });
  }

  #do(request: Request | undefined): Refusal | undefined {
    if (request === undefined) return 'unavailable';
    if (request.type === 'kick') return this.parts.node.kick(request.receiver) ? undefined : 'receiver_not_found';
    return this.parts.node.deliver(request.sender, request.receiver, request.frame);
  }
}
