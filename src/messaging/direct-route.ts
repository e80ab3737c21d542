import { Inject, Injectable } from '@nestjs/common';
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
import { Telemetry } from '../telemetry/telemetry.js';
import { MessageRouter } from './message-router.js';
import { Notices } from './notices.js';

const STAR = EVERYONE.charCodeAt(0);

/**
 * The short way of a message that no handler claims: from the client's chunk straight into the receiver's outbox, copied
 * once. Takes only what surely succeeds; whatever may be refused is left to the router, which says why.
 */
@Injectable()
export class DirectRoute {
  readonly #ids: IdTable;

  constructor(
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(Notices) private readonly notices: Notices,
    @Inject(MessageRouter) private readonly router: MessageRouter,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
  ) {
    this.#ids = sessions.idTable;
  }

  /**
   * Carries the message the scanner just accepted; returns `false` and does nothing where the exact way must decide.
   */
  carry(sender: Session, found: EnvelopeScanner): boolean {
    const { length, receiverStart, receiverEnd } = found;
    // The slot of who has left is another's by now.
    if (sender.ended || receiverStart < 0 || (found.nonAscii && !isUtf8(TEXT.subarray(0, length)))) return false;
    if (receiverEnd - receiverStart === 1 && TEXT[receiverStart] === STAR) return this.#broadcast(sender, found);
    const target = this.sessions.findByHash(found.receiverHash);
    if (target === undefined) return this.#elsewhere(sender, found);
    if (!this.#ids.standsAt(target.slot, receiverStart)) return false;
    const { outbox } = target;
    if (outbox.overloaded) return false;
    this.notices.met(sender, target);
    this.notices.catchUp(target);
    const block = outbox.reserve(stampedBytes(length));
    this.telemetry.carried++;
    outbox.commit(writeStamped(block, outbox.used, this.#ids, sender.slot, found));
    if (found.idStart >= 0) sender.send(ackFrame(sender.id, found.ascii(found.idStart, found.idEnd), 'routed'));
    return true;
  }

  #broadcast(sender: Session, found: EnvelopeScanner): boolean {
    if (!this.router.handover.reachesAll(stampedBytes(found.length))) return false;
    this.telemetry.carriedBroadcasts++;
    const skipped = this.router.broadcast(this.#stamped(sender, found), sender);
    if (found.idStart >= 0)
      sender.send(ackFrame(sender.id, found.ascii(found.idStart, found.idEnd), 'accepted', skipped));
    return true;
  }

  /** No session of this node has the id: perhaps one of another has. Its node says later what became of the message. */
  #elsewhere(sender: Session, found: EnvelopeScanner): boolean {
    const receiver = found.ascii(found.receiverStart, found.receiverEnd);
    const { handover } = this.router;
    if (!handover.reaches(receiver, stampedBytes(found.length))) return false;
    const id = found.idStart < 0 ? undefined : found.ascii(found.idStart, found.idEnd);
    this.telemetry.received++;
    handover.route(sender, receiver, this.#stamped(sender, found), id);
    return true;
  }

  #stamped(sender: Session, found: EnvelopeScanner): Frame {
    const frame = Buffer.allocUnsafe(stampedBytes(found.length));
    writeStamped(new Block(frame), 0, this.#ids, sender.slot, found);
    return frame as Frame;
  }
}
