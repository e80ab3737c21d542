import { Inject, Injectable } from '@nestjs/common';
import type { Refusal } from '../backplane/backplane.js';
import { ackFrame, EVERYONE, Fault, SERVER, type Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { Handover } from './handover.js';
import { Notices } from './notices.js';

const ONLY_HERE = 'Only the sessions of this node got the message; the others cannot be reached now.';
/** Where a session id has its dot; the name of a server has a slash before it. */
const DOT_AT = 8;

/** Who gets what: carries an encoded message to one session or to all others, and answers its sender. */
@Injectable()
export class MessageRouter {
  constructor(
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(Notices) private readonly notices: Notices,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(Handover) readonly handover: Handover,
  ) {}

  /**
   * Carries a session's message to its receiver, on whatever node.
   *
   * @param id the sender's own reference, to be acknowledged
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded` or `unavailable`, where that is known at once
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): void {
    if (receiver === EVERYONE) {
      const skipped = this.broadcast(frame, sender, id);
      if (id !== undefined) sender.send(ackFrame(sender.id, id, 'accepted', skipped));
      return;
    }
    const target = this.sessions.find(receiver);
    if (target === undefined) return this.handover.route(sender, receiver, frame, id);
    this.#put(target, frame, id);
    this.notices.met(sender, target);
    if (id !== undefined) sender.send(ackFrame(sender.id, id, 'routed'));
  }

  /**
   * Puts a message on its receiver's connection. Where that is on another node, the promise tells what became of it.
   *
   * @param sender a session, or the server's name
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded` or `unavailable`; what is known at once is thrown at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<void> | undefined {
    const target = this.sessions.find(receiver);
    if (target === undefined) return this.handover.deliver(sender, receiver, frame);
    this.#put(target, frame, undefined);
    if (typeof sender !== 'string') this.notices.met(sender, target);
    return undefined;
  }

  /** Puts another node's message on a connection of this one; returns why not. The bytes are copied. */
  deliverFrom(sender: string, receiver: string, frame: Frame): Refusal | undefined {
    const target = this.sessions.find(receiver);
    if (target === undefined) return 'receiver_not_found';
    const { outbox } = target;
    if (outbox.overloaded) return 'receiver_overloaded';
    if (sender[DOT_AT] === '.' && !sender.startsWith(`${SERVER}/`)) this.notices.met(sender, target);
    this.notices.catchUp(target);
    const block = outbox.reserve(frame.length);
    block.bytes.set(frame, outbox.used);
    outbox.commit(outbox.used + frame.length);
    this.telemetry.routed++;
    return undefined;
  }

  /**
   * Sends the same bytes to everyone on all nodes but `except`; returns how many of this node's were passed over because
   * they read too slowly.
   *
   * @throws {Fault} `unavailable` where only this node's sessions could be reached
   */
  broadcast(frame: Frame, except?: Session, ref?: string): number {
    const skipped = this.fanOut(frame, except);
    this.telemetry.broadcasts++;
    if (!this.handover.broadcast(except?.id ?? SERVER, frame)) throw new Fault('unavailable', ONLY_HERE, ref);
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
        this.notices.send(session, frame);
        sent++;
      }
    }
    this.telemetry.fannedOutTo(sent, skipped);
    return skipped;
  }

  /** @throws {Fault} `receiver_not_found` or `receiver_overloaded` */
  #put(target: Session, frame: Frame, ref: string | undefined): void {
    if (target.ended) throw Fault.of('receiver_not_found', ref);
    if (target.outbox.overloaded) throw Fault.of('receiver_overloaded', ref);
    this.notices.send(target, frame);
    this.telemetry.routed++;
  }
}
