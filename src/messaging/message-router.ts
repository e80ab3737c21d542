import { Inject, Injectable } from '@nestjs/common';
import { ackFrame, EVERYONE, Fault, type Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { Notices } from './notices.js';

/** Who gets what: carries an encoded message to one session or to all others, and answers its sender. */
@Injectable()
export class MessageRouter {
  constructor(
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(Notices) private readonly notices: Notices,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
  ) {}

  /**
   * Carries a session's message to its receiver.
   *
   * @param id the sender's own reference, to be acknowledged
   * @throws {Fault} `receiver_not_found` or `receiver_overloaded`
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): void {
    if (receiver === EVERYONE) {
      const skipped = this.broadcast(frame, sender);
      if (id !== undefined) sender.send(ackFrame(sender.id, id, 'accepted', skipped));
      return;
    }
    this.notices.met(sender, this.deliver(receiver, frame, id));
    if (id !== undefined) sender.send(ackFrame(sender.id, id, 'routed'));
  }

  /**
   * Puts a frame on one session's connection and returns the session.
   *
   * @throws {Fault} `receiver_not_found` or `receiver_overloaded`
   */
  deliver(receiver: string, frame: Frame, ref: string | undefined): Session {
    const target = this.reachable(this.sessions.find(receiver), ref);
    this.notices.send(target, frame);
    this.telemetry.routed++;
    return target;
  }

  /** Sends the same bytes to everyone but `except`; returns how many were passed over because they read too slowly. */
  broadcast(frame: Frame, except?: Session): number {
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
    this.telemetry.broadcast(sent, skipped);
    return skipped;
  }

  /**
   * Makes sure that a session can be sent a message now.
   *
   * @throws {Fault} `receiver_not_found` or `receiver_overloaded`
   */
  reachable(session: Session | undefined, ref: string | undefined): Session {
    if (session === undefined || session.ended) throw Fault.of('receiver_not_found', ref);
    if (session.outbox.overloaded) throw Fault.of('receiver_overloaded', ref);
    return session;
  }
}
