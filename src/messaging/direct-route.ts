import { Inject, Injectable } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import {
  ackFrame,
  asciiAt,
  byteAt,
  EVERYONE,
  remask,
  spells,
  stampedBytes,
  writeStamped,
  type EnvelopeScanner,
  type Frame,
  type RawMessage,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { MessageRouter } from './message-router.js';
import { Notices } from './notices.js';

const STAR = EVERYONE.charCodeAt(0);

/**
 * The short way of a message that no handler claims: from the client's chunk straight into the receiver's outbox, copied
 * once. Takes only what surely succeeds; whatever may be refused is left to the router, which says why.
 */
@Injectable()
export class DirectRoute {
  constructor(
    @Inject(SessionRegistry) private readonly sessions: SessionRegistry,
    @Inject(Notices) private readonly notices: Notices,
    @Inject(MessageRouter) private readonly router: MessageRouter,
  ) {}

  /**
   * Carries a message whose bytes the scanner accepted; returns `false` and does nothing where the exact way must decide.
   *
   * @param found the scanner, right after it scanned this message
   */
  carry(sender: Session, found: EnvelopeScanner, raw: RawMessage): boolean {
    const { receiverStart, receiverEnd } = found;
    if (receiverStart < 0) return false;
    if (receiverEnd - receiverStart === 1 && byteAt(raw, receiverStart) === STAR)
      return this.#broadcast(sender, found, raw);
    const target = this.sessions.findByHash(found.receiverHash);
    if (target === undefined || !spells(raw, receiverStart, receiverEnd, target.id)) return false;
    const { outbox } = target;
    if (outbox.overloaded) return false;
    this.notices.met(sender, target);
    this.notices.catchUp(target);
    const block = outbox.reserve(stampedBytes(sender.id.length, raw.end - raw.start));
    const end = writeStamped(block, outbox.used, sender.id, raw);
    if (found.nonAscii && !this.#isText(block, end, raw)) return false;
    outbox.commit(end);
    if (found.idStart >= 0) sender.send(ackFrame(sender.id, asciiAt(raw, found.idStart, found.idEnd), 'routed'));
    return true;
  }

  #broadcast(sender: Session, found: EnvelopeScanner, raw: RawMessage): boolean {
    const frame = Buffer.allocUnsafe(stampedBytes(sender.id.length, raw.end - raw.start));
    const end = writeStamped(frame, 0, sender.id, raw);
    if (found.nonAscii && !this.#isText(frame, end, raw)) return false;
    const skipped = this.router.broadcast(frame as Frame, sender);
    if (found.idStart >= 0)
      sender.send(ackFrame(sender.id, asciiAt(raw, found.idStart, found.idEnd), 'accepted', skipped));
    return true;
  }

  /** Checks that the payload, which ends the frame, is UTF-8; `ws` says goodbye to whoever sent what is not. */
  #isText(frame: Buffer, end: number, raw: RawMessage): boolean {
    if (isUtf8(frame.subarray(end - (raw.end - raw.start - 1), end))) return true;
    remask(raw);
    return false;
  }
}
