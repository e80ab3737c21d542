import { Injectable } from '@nestjs/common';
import type { DeliveryOutcome } from '../cluster/backplane.js';
import { isServerSender, type Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { NoticeLog } from './notice-log.js';
import type { SessionRef } from './peers.js';

/** Puts messages on the connections of this node's sessions, and keeps them for those that are away. */
@Injectable()
export class LocalDelivery {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
  ) {}

  /**
   * Puts a message on one connection, or keeps it for a session that is away.
   *
   * @param sender a local session, the id of a remote one, or a name of the server
   */
  deliver(sender: SessionRef, target: Session, frame: Frame): DeliveryOutcome {
    this.noticeLog.catchUp(target); // first, because the notices may leave no room for the message
    if (target.outbox.refuses(frame.length)) return 'receiver_overloaded';
    this.#record(sender, target);
    target.send(frame);
    return outcomeFor(target);
  }

  /** Does the same as {@link deliver}, but copies the frame, because its bytes belong to a larger buffer. */
  deliverCopy(sender: SessionRef, target: Session, frame: Frame): DeliveryOutcome {
    const { outbox } = target;
    this.noticeLog.catchUp(target);
    if (outbox.refuses(frame.length)) return 'receiver_overloaded';
    this.#record(sender, target);
    const block = outbox.reserve(frame.length);
    block.bytes.set(frame, outbox.used);
    outbox.commit(outbox.used + frame.length);
    return outcomeFor(target);
  }

  /** Counts a message that a session is not sent, because its outbox refuses the message; `sys.gap` takes its place. */
  miss(target: Session): void {
    this.noticeLog.miss(target);
  }

  /**
   * Puts the same bytes on every connection but that of `except`, and keeps them for sessions that are away. A session whose
   * outbox refuses them gets `sys.gap` instead.
   *
   * @returns sessions that were skipped, because they read too slowly or too much is kept for them
   */
  fanOut(frame: Frame, except?: Session): number {
    let skipped = 0;
    let sent = 0;
    for (const session of this.sessions.all()) {
      if (session === except) continue;
      this.noticeLog.catchUp(session);
      if (session.outbox.refuses(frame.length)) {
        session.missMessage();
        skipped++;
      } else {
        session.sendShared(frame);
        sent++;
      }
    }
    this.counters.fannedOutTo(sent, skipped);
    except?.outbox.chargeTurn(sent * frame.length);
    return skipped;
  }

  #record(sender: SessionRef, target: Session): void {
    if (typeof sender !== 'string' || !isServerSender(sender)) this.noticeLog.recordExchange(sender, target);
    this.counters.routed++;
  }
}

function outcomeFor(target: Session): DeliveryOutcome {
  return target.state === 'away' ? 'held' : undefined;
}
