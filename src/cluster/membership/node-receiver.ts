import type { NodePublisher } from '../nats/node-publisher.js';
import type { Head, NodeMessage } from '../wire/node-message.js';
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
    switch (message.kind) {
      case 'heartbeat':
        member.snapshotRequested = false;
        if (!member.isUpToDate(message.sequence)) this.#requestSnapshot(member);
        return;
      case 'events':
        // A node that has not joined yet has requested all snapshots already.
        if (!member.applyEvents(message) && this.state.joined) this.#requestSnapshot(member);
        return;
      case 'snapshot':
        member.applySnapshot(message);
        if (message.requestsSnapshots) publisher.scheduleSnapshot(member.nodeId, this.members);
        return;
      case 'snapshotRequest':
        return publisher.scheduleSnapshot(member.nodeId, this.members);
      case 'batch':
        return reply === undefined ? undefined : this.executor.execute(member, head, message, reply);
      case 'receipt':
        return publisher.inFlight.settle(message);
      case 'rpcRequest':
        return void this.executor.call(member.nodeId, message);
      case 'rpcResponse':
        return publisher.pendingRpcs.settle(message.number, message.reply);
      case 'leave':
        this.members.remove(member.nodeId);
        publisher.inFlight.failNode(member.nodeId);
        return;
      case 'fenced':
      case 'unknown':
    }
  }

  /** Fences a former member that still sends messages. Ignores other nodes that are no members. */
  refuse({ nodeId }: Head, message: NodeMessage, reply: string | undefined): void {
    if (!this.members.isGone(nodeId)) return;
    if (message.kind === 'batch' && reply !== undefined) this.executor.refuse(message, reply);
    if (message.kind !== 'leave') this.publisher.sendTo(nodeId, { kind: 'fenced', nodeId });
  }

  /** Requests at most one snapshot per heartbeat. */
  #requestSnapshot(member: Member): void {
    member.markOutOfSync();
    if (member.snapshotRequested) return;
    member.snapshotRequested = true;
    this.publisher.sendTo(member.nodeId, { kind: 'snapshotRequest' });
  }
}
