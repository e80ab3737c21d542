import { Injectable } from '@nestjs/common';
import type { DeliveryFailure } from '../cluster/backplane.js';
import { ackFrame, EVERYONE, MessageError, SERVER, type Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { BroadcastLimit } from './broadcast-limit.js';
import { RemoteDelivery } from './remote-delivery.js';
import { NoticeLog } from './notice-log.js';

const ONLY_HERE = 'Only the sessions of this node got the message; the others cannot be reached now.';
/** Where a session id has its dot; the name of a server has a slash before it. */
const DOT_AT = 8;

/** Who gets what: carries an encoded message to one session or to all others, and answers its sender. */
@Injectable()
export class MessageRouter {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
    readonly remoteDelivery: RemoteDelivery,
    readonly broadcastLimit: BroadcastLimit,
  ) {}

  /**
   * Carries a session's message to its receiver, on whatever node.
   *
   * @param id the sender's own reference, to be acknowledged
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded` or `unavailable`, where that is known at once; for a
   *   broadcast `forbidden` or `rate_limited`
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): void {
    if (receiver === EVERYONE) {
      this.broadcastLimit.charge(sender, id);
      const skipped = this.broadcast(frame, sender, id);
      if (id !== undefined) sender.send(ackFrame(sender.id, id, 'accepted', skipped));
      return;
    }
    const target = this.sessions.find(receiver);
    if (target === undefined) return this.remoteDelivery.route(sender, receiver, frame, id);
    this.#put(target, frame, id);
    this.noticeLog.recordExchange(sender, target);
    if (id !== undefined) sender.send(ackFrame(sender.id, id, 'routed'));
  }

  /**
   * Puts a message on its receiver's connection. Where that is on another node, the promise tells what became of it.
   *
   * @param sender a session, or the server's name
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded` or `unavailable`; what is known at once is thrown at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<void> | undefined {
    const target = this.sessions.find(receiver);
    if (target === undefined) return this.remoteDelivery.deliver(sender, receiver, frame);
    this.#put(target, frame, undefined);
    if (typeof sender !== 'string') this.noticeLog.recordExchange(sender, target);
    return undefined;
  }

  /** Puts another node's message on a connection of this one; returns why not. The bytes are copied. */
  deliverFrom(sender: string, receiver: string, frame: Frame): DeliveryFailure | undefined {
    const target = this.sessions.find(receiver);
    if (target === undefined) return 'receiver_not_found';
    const { outbox } = target;
    if (outbox.overloaded) return 'receiver_overloaded';
    if (sender[DOT_AT] === '.' && !sender.startsWith(`${SERVER}/`)) this.noticeLog.recordExchange(sender, target);
    this.noticeLog.catchUp(target);
    const block = outbox.reserve(frame.length);
    block.bytes.set(frame, outbox.used);
    outbox.commit(outbox.used + frame.length);
    this.counters.routed++;
    return undefined;
  }

  /**
   * Sends the same bytes to everyone on all nodes but `except`; returns how many of this node's were passed over because
   * they read too slowly.
   *
   * @throws {MessageError} `unavailable` where only this node's sessions could be reached
   */
  broadcast(frame: Frame, except?: Session, ref?: string): number {
    const skipped = this.fanOut(frame, except);
    this.counters.broadcasts++;
    if (!this.remoteDelivery.broadcast(except?.id ?? SERVER, frame))
      throw new MessageError('unavailable', ONLY_HERE, ref);
    return skipped;
  }

  /** Sends the same bytes to everyone on this node but `except`; returns how many were passed over. */
  fanOut(frame: Frame, except?: Session): number {
    let skipped = 0;
    let sent = 0;
    for (const session of this.sessions.all()) {
      if (session === except) continue;
      if (session.outbox.overloaded) skipped++;
      else {
        this.noticeLog.send(session, frame);
        sent++;
      }
    }
    this.counters.fannedOutTo(sent, skipped);
    return skipped;
  }

  /** @throws {MessageError} `receiver_not_found` or `receiver_overloaded` */
  #put(target: Session, frame: Frame, ref: string | undefined): void {
    if (target.closed) throw MessageError.of('receiver_not_found', ref);
    if (target.outbox.overloaded) throw MessageError.of('receiver_overloaded', ref);
    this.noticeLog.send(target, frame);
    this.counters.routed++;
  }
}
