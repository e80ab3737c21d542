import { Injectable } from '@nestjs/common';
import { Backplane, type GroupReceipt } from '../cluster/backplane.js';
import { NoticeLog } from '../messaging/notice-log.js';
import type { SessionRef } from '../messaging/peers.js';
import { RemoteDelivery } from '../messaging/remote-delivery.js';
import type { Frame, MessageError } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';

/** The outcome of a message to a user or a room on all nodes. */
export interface GroupOutcome extends GroupReceipt {
  /** Nodes with members that could not be reached, or did not answer in time. */
  readonly failedNodes: number;
}

/** A message to a user or a room, with the receipt of the members on this node. */
export interface GroupMessage {
  /** A session id, or a name of the server. */
  readonly sender: string;
  /** `@USER` or `#ROOM`. */
  readonly receiver: string;
  readonly frame: Frame;
  readonly local: GroupReceipt;
}

/** Sends messages to the members of users and rooms on other nodes, and adds up their receipts. */
@Injectable()
export class RemoteGroups {
  readonly #hasPeers: boolean;

  constructor(
    private readonly backplane: Backplane,
    private readonly noticeLog: NoticeLog,
    private readonly remoteDelivery: RemoteDelivery,
    { noticeScope }: Settings,
  ) {
    this.#hasPeers = noticeScope === 'peers';
  }

  /**
   * Queues a message for each of these nodes. Copies the frame.
   *
   * @param done called once, when the receipts of all nodes are there, perhaps before this method returns
   */
  send(
    nodes: Iterable<string>,
    { sender, receiver, frame, local }: GroupMessage,
    done: (outcome: GroupOutcome) => void,
  ): void {
    let { delivered, skipped, held = 0 } = local;
    let failedNodes = 0;
    let waiting = 1;
    const settle = (): void => {
      if (--waiting === 0) done({ delivered, skipped, ...(held > 0 && { held }), failedNodes });
    };
    for (const nodeId of nodes) {
      waiting++;
      const result = this.backplane.deliverToGroup(nodeId, sender, receiver, frame, (outcome) => {
        if (typeof outcome === 'string') failedNodes++;
        else {
          delivered += outcome.delivered;
          skipped += outcome.skipped;
          held += outcome.held ?? 0;
        }
        settle();
      });
      if (result === 'queued') continue;
      failedNodes++;
      settle();
    }
    settle();
  }

  /**
   * Does the same as {@link send}, and resolves with the receipt of all nodes. The caller may ignore the promise.
   *
   * @param failureOf returns the error with which the promise rejects, if any
   */
  deliver(
    nodes: Iterable<string>,
    message: GroupMessage,
    failureOf: (outcome: GroupOutcome) => MessageError | undefined,
  ): Promise<GroupReceipt> {
    const delivering = new Promise<GroupReceipt>((resolve, reject) => {
      this.send(nodes, message, (outcome) => {
        const failure = failureOf(outcome);
        const { failedNodes: _, ...receipt } = outcome;
        if (failure === undefined) resolve(receipt);
        else reject(failure);
      });
    });
    delivering.catch(() => undefined); // An unhandled rejection would end the process.
    return delivering;
  }

  /** Records that a session exchanged a message with remote sessions, where `NOTICE_SCOPE` is `peers`. */
  recordExchange(sender: SessionRef, ids: Iterable<string>): void {
    if (!this.#hasPeers) return;
    for (const id of ids) this.noticeLog.recordExchange(sender, id);
  }

  /** Answers a message with an error that is known only after the message was sent. */
  refuse(sender: Session, error: MessageError): void {
    this.remoteDelivery.refuse(sender, error);
  }
}
