import type { NodeIdentity } from '../../node/node-identity.js';
import type { Log } from '../../telemetry/log.js';
import type { ClusterDelegate, DeliveryFailure } from '../backplane.js';
import type { InFlight } from './in-flight.js';
import type { Member } from '../membership/member.js';
import type { MemberList } from '../membership/member-list.js';
import { decodeMessage, isSupported, versionOf } from '../wire/node-codec.js';
import {
  NODE_VERSION,
  type Batch,
  type Head,
  type NodeMessage,
  type RpcRequest,
  type Request,
} from '../wire/node-message.js';
import type { PendingRpcs } from './pending-rpcs.js';
import type { Membership } from '../membership/membership.js';
import type { NodePublisher } from './node-publisher.js';

/** What a hearing is made of. */
export interface NodeReceiverOptions {
  readonly delegate: ClusterDelegate;
  readonly identity: NodeIdentity;
  readonly members: MemberList;
  readonly publisher: NodePublisher;
  readonly membership: Membership;
  readonly inFlight: InFlight;
  readonly pendingRpcs: PendingRpcs;
  readonly log: Log;
}

/** Understands what other nodes say and carries it out. */
export class NodeReceiver {
  /** Versions that do not fit and were logged; a version is a byte. */
  readonly #misfits = new Set<number>();

  constructor(private readonly parts: NodeReceiverOptions) {}

  /** @param reply where a batch is answered */
  receive(bytes: Uint8Array, reply: string | undefined): void {
    const version = versionOf(bytes);
    if (!isSupported(version)) return this.#misfit(version);
    const { head, message } = decodeMessage(bytes);
    // Also by a node that we have given up ourselves: else two that gave up each other would never meet again.
    if (message.kind === 'fenced')
      return message.part === this.parts.identity.id ? this.parts.membership.onFenced() : undefined;
    const member = this.parts.members.receive(head, performance.now());
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
  #unwelcome({ nodeId }: Head, message: NodeMessage, reply: string | undefined): void {
    if (!this.parts.members.isGone(nodeId)) return;
    if (message.kind === 'batch' && reply !== undefined) this.#answer(reply, message, () => 'unavailable');
    if (message.kind !== 'leave') this.parts.publisher.sendTo(nodeId, { kind: 'fenced', part: nodeId });
  }

  #carryOut(member: Member, head: Head, message: NodeMessage, reply: string | undefined): void {
    switch (message.kind) {
      case 'heartbeat':
        member.snapshotRequested = false;
        if (!member.isUpToDate(message.sequence)) this.#want(member);
        return;
      case 'news':
        // Who has just come back has asked everybody already.
        if (!member.applyEvents(message) && this.parts.membership.joined) this.#want(member);
        return;
      case 'snapshot':
        member.applySnapshot(message);
        if (message.asks) this.#answerWithSnapshot(member);
        return;
      case 'batch':
        return this.#batch(member, head, message, reply);
      case 'receipt':
        return this.parts.inFlight.settle(message);
      case 'want':
        return this.#answerWithSnapshot(member);
      case 'leave':
        this.parts.members.remove(member.nodeId);
        this.parts.inFlight.failNode(member.nodeId);
        return;
      case 'question':
        return void this.#reply(member, message);
      case 'reply':
        return this.parts.pendingRpcs.settle(message.number, message.reply);
      case 'fenced':
      case 'unknown':
    }
  }

  #answerWithSnapshot({ nodeId }: Member): void {
    const { publisher, delegate, members } = this.parts;
    publisher.snapshot(nodeId, delegate, members);
  }

  /** Once a heartbeat: what is under way comes before the next. */
  #want(member: Member): void {
    member.markOutOfSync();
    if (member.snapshotRequested) return;
    member.snapshotRequested = true;
    this.parts.publisher.sendTo(member.nodeId, { kind: 'want' });
  }

  async #reply({ nodeId }: Member, { number, views, work }: RpcRequest): Promise<void> {
    const { delegate, publisher, log } = this.parts;
    try {
      const reply = views === undefined ? await delegate.rpc(work) : delegate.sessionDetails(views);
      publisher.sendTo(nodeId, { kind: 'reply', number, reply });
    } catch (error) {
      log.error(error);
    }
  }

  #batch(member: Member, { sentAtMs }: Head, batch: Batch, reply: string | undefined): void {
    if (reply === undefined) return;
    const { membership } = this.parts;
    const fresh = member.clock.ageMs(sentAtMs, performance.now()) <= batch.maxAgeMs;
    const takes = fresh && !membership.hasUntrustedClock(member.firstSeenMs) && member.synced && membership.joined;
    this.#answer(reply, batch, takes ? (request) => this.#do(request) : () => 'unavailable');
  }

  #answer(
    reply: string,
    { number, items }: Batch,
    work: (request: Request | undefined) => DeliveryFailure | undefined,
  ): void {
    const refused: [number, DeliveryFailure][] = [];
    for (const [index, request] of items.entries()) {
      const refusal = work(request);
      if (refusal !== undefined) refused.push([index, refusal]);
    }
    this.parts.publisher.receipt(reply, { kind: 'receipt', number, refused });
  }

  #do(request: Request | undefined): DeliveryFailure | undefined {
    if (request === undefined) return 'unavailable';
    if (request.type === 'kick') return this.parts.delegate.kick(request.receiver) ? undefined : 'receiver_not_found';
    return this.parts.delegate.deliverLocal(request.sender, request.receiver, request.frame);
  }
}
