import type { NodePublisher } from '../nats/node-publisher.js';
import type { Head, NodeMessage, RpcResponse } from '../wire/node-message.js';
import type { JoinState } from './join-state.js';
import type { MemberList } from './member-list.js';
import type { Member } from './member.js';
import type { RequestExecutor } from './request-executor.js';

/** Handles the messages of members, and refuses those of former ones. */
export class NodeReceiver {
  constructor(
    private readonly members: MemberList,
    private readonly state: JoinState,
    private readonly publisher: NodePublisher,
    private readonly executor: RequestExecutor,
  ) {}

  /** Handles one message of a member. @param reply the receipt subject of a batch */
  receive(member: Member, head: Head, message: NodeMessage, reply: string | undefined): void {
    const { publisher } = this;
    if (!member.pinged) {
      member.pinged = true;
      publisher.ping(member.nodeId);
    }
    switch (message.kind) {
      case 'heartbeat':
        member.snapshotRequested = false;
        // A node that has not joined yet has requested all snapshots already.
        if (!member.isUpToDate(message.sequence) && this.state.joined) this.#requestSnapshot(member);
        return;
      case 'events':
        if (!member.applyEvents(message) && this.state.joined) this.#requestSnapshot(member);
        return;
      case 'snapshot':
        member.applySnapshot(message);
        if (message.requestsSnapshots) publisher.scheduleSnapshot(member.nodeId, this.members);
        return;
      case 'snapshotRequest':
        return publisher.scheduleSnapshot(member.nodeId, this.members);
      case 'batch':
        if (reply !== undefined && member.takeBatchNumber(message.number))
          this.executor.execute(member, head, message, reply);
        return;
      case 'receipt':
        return publisher.inFlight.settle(member.nodeId, message);
      case 'rpcRequest':
        return void this.executor.call(member.nodeId, message);
      case 'rpcResponse':
        return this.#settle(member, head, message);
      case 'leave':
        this.members.remove(member.nodeId);
        return publisher.failNode(member.nodeId);
      case 'fenced':
      case 'probe':
      case 'unknown':
    }
  }

  /** Fences a former member that still sends messages. Ignores other nodes that are no members. */
  refuse({ nodeId }: Head, message: NodeMessage, reply: string | undefined): void {
    if (!this.members.isGone(nodeId)) return;
    if (message.kind === 'batch' && reply !== undefined) this.executor.refuse(message, reply);
    if (message.kind !== 'leave') this.publisher.notify(nodeId, { kind: 'fenced', nodeId });
  }

  /** Requests at most one snapshot per heartbeat. */
  #requestSnapshot(member: Member): void {
    member.markOutOfSync();
    if (member.snapshotRequested) return;
    member.snapshotRequested = true;
    this.publisher.notify(member.nodeId, { kind: 'snapshotRequest' });
  }

  /** Settles an RPC, which is a round trip too. */
  #settle({ nodeId, clock }: Member, { sentAtMs }: Head, { number, reply, failure }: RpcResponse): void {
    const askedAtMs = this.publisher.pendingRpcs.settle(nodeId, number, failure ?? { reply });
    if (askedAtMs !== undefined) clock.observe(askedAtMs, sentAtMs);
  }
}
