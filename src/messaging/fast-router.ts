import { Injectable } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import {
  ackFrame,
  Block,
  EVERYONE,
  stampedBytes,
  TEXT,
  writeStamped,
  type EnvelopeScanner,
  type Frame,
  type IdTable,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { MessageRouter } from './message-router.js';
import { NoticeLog } from './notice-log.js';

const STAR = EVERYONE.charCodeAt(0);

/**
 * The short way of a message that no handler claims: from the client's chunk straight into the receiver's outbox, copied
 * once. Takes only what surely succeeds; whatever may be refused is left to the router, which says why.
 */
@Injectable()
export class FastRouter {
  readonly #ids: IdTable;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly router: MessageRouter,
    private readonly counters: Counters,
  ) {
    this.#ids = sessions.idTable;
  }

  /**
   * Carries the message the scanner just accepted; returns `false` and does nothing where the exact way must decide.
   */
  tryRoute(sender: Session, found: EnvelopeScanner): boolean {
    const { length, receiverStart, receiverEnd } = found;
    // The slot of who has left is another's by now.
    if (sender.closed || receiverStart < 0 || (found.nonAscii && !isUtf8(TEXT.subarray(0, length)))) return false;
    if (receiverEnd - receiverStart === 1 && TEXT[receiverStart] === STAR) return this.#broadcast(sender, found);
    const target = this.sessions.findByHash(found.receiverHash);
    if (target === undefined) return this.#elsewhere(sender, found);
    if (!this.#ids.equalsAt(target.idSlot, receiverStart)) return false;
    const { outbox } = target;
    if (outbox.overloaded) return false;
    this.noticeLog.recordExchange(sender, target);
    this.noticeLog.catchUp(target);
    const block = outbox.reserve(stampedBytes(length));
    this.counters.fastRouted++;
    outbox.commit(writeStamped(block, outbox.used, this.#ids, sender.idSlot, found));
    if (found.idStart >= 0) sender.send(ackFrame(sender.id, found.ascii(found.idStart, found.idEnd), 'routed'));
    return true;
  }

  #broadcast(sender: Session, found: EnvelopeScanner): boolean {
    if (!this.router.remoteDelivery.reachesAll(stampedBytes(found.length))) return false;
    if (!this.router.broadcastLimit.tryCharge(sender)) return false;
    this.counters.fastBroadcasts++;
    const skipped = this.router.broadcast(this.#stamped(sender, found), sender);
    if (found.idStart >= 0)
      sender.send(ackFrame(sender.id, found.ascii(found.idStart, found.idEnd), 'accepted', skipped));
    return true;
  }

  /** No session of this node has the id: perhaps one of another has. Its node says later what became of the message. */
  #elsewhere(sender: Session, found: EnvelopeScanner): boolean {
    const receiver = found.ascii(found.receiverStart, found.receiverEnd);
    const { remoteDelivery } = this.router;
    if (!remoteDelivery.reaches(receiver, stampedBytes(found.length))) return false;
    const id = found.idStart < 0 ? undefined : found.ascii(found.idStart, found.idEnd);
    this.counters.received++;
    remoteDelivery.route(sender, receiver, this.#stamped(sender, found), id);
    return true;
  }

  #stamped(sender: Session, found: EnvelopeScanner): Frame {
    const frame = Buffer.allocUnsafe(stampedBytes(found.length));
    writeStamped(new Block(frame), 0, this.#ids, sender.idSlot, found);
    return frame as Frame;
  }
}
