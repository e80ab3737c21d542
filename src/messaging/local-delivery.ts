import { Injectable } from '@nestjs/common';
import type { DeliveryFailure } from '../cluster/backplane.js';
import { isServerSender, type Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { NoticeLog } from './notice-log.js';
import type { SessionRef } from './peers.js';

/** Puts messages on the connections of this node's sessions. */
@Injectable()
export class LocalDelivery {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
  ) {}

  /**
   * Puts a message on one connection.
   *
   * @param sender a local session, the id of a remote one, or a name of the server
   */
  deliver(sender: SessionRef, target: Session, frame: Frame): DeliveryFailure | undefined {
    if (target.outbox.overloaded) return 'receiver_overloaded';
    this.#prepare(sender, target);
    target.send(frame);
    return undefined;
  }

  /** Does the same as {@link deliver}, but copies the frame, because its bytes belong to a larger buffer. */
  deliverCopy(sender: SessionRef, target: Session, frame: Frame): DeliveryFailure | undefined {
    const { outbox } = target;
    if (outbox.overloaded) return 'receiver_overloaded';
    this.#prepare(sender, target);
    const block = outbox.reserve(frame.length);
    block.bytes.set(frame, outbox.used);
    outbox.commit(outbox.used + frame.length);
    return undefined;
  }

  /** Counts a message that a session is not sent because it reads too slowly; `sys.gap` takes its place. */
  miss(target: Session): void {
    this.noticeLog.miss(target);
  }

  /**
   * Puts the same bytes on every connection but that of `except`. A session that reads too slowly gets `sys.gap` instead.
   *
   * @returns sessions skipped because they read too slowly
   */
  fanOut(frame: Frame, except?: Session): number {
    let skipped = 0;
    let sent = 0;
    for (const session of this.sessions.all()) {
      if (session === except) continue;
      if (session.outbox.overloaded) {
        this.noticeLog.miss(session);
        skipped++;
      } else {
        this.noticeLog.send(session, frame);
        sent++;
      }
    }
    this.counters.fannedOutTo(sent, skipped);
    except?.outbox.chargeTurn(sent * frame.length);
    return skipped;
  }

  #prepare(sender: SessionRef, target: Session): void {
    if (typeof sender !== 'string' || !isServerSender(sender)) this.noticeLog.recordExchange(sender, target);
    this.noticeLog.catchUp(target);
    this.counters.routed++;
  }
}
