import { Injectable } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import {
  ackFrame,
  stampedBytes,
  stampedForCopy,
  TEXT,
  writeStamped,
  type EnvelopeScanner,
  type IdTable,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { NoticeLog } from './notice-log.js';
import { isNoIdCharacter, Recipients } from './recipients.js';
import { RemoteDelivery } from './remote-delivery.js';

/**
 * Routes a message that no handler claims, from the client's chunk straight into the receiver's outbox with one copy.
 * Leaves every message that may be refused to the slow path, which finds the reason.
 */
@Injectable()
export class FastRouter {
  readonly #ids: IdTable;

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly recipients: Recipients,
    private readonly remoteDelivery: RemoteDelivery,
    private readonly counters: Counters,
  ) {
    this.#ids = sessions.idTable;
  }

  /** Routes the message that the scanner has just accepted. Returns `false`, without effect, where the slow path must decide. */
  tryRoute(sender: Session, found: EnvelopeScanner): boolean {
    const { length, receiverStart } = found;
    // The id slot of a closed session may belong to another one.
    if (sender.closed || receiverStart < 0 || (found.nonAscii && !isUtf8(TEXT.subarray(0, length)))) return false;
    if (isNoIdCharacter(TEXT[receiverStart]!)) return this.recipients.tryRoute(sender, found);
    const target = this.sessions.findByHash(found.receiverHash);
    if (target === undefined) return this.#routeRemote(sender, found);
    if (!this.#ids.equalsAt(target.idSlot, receiverStart)) return false;
    const { outbox } = target;
    if (!outbox.isDirect) return false; // the slow path answers `held` or `receiver_overloaded`
    this.noticeLog.recordExchange(sender, target);
    this.noticeLog.catchUp(target);
    const block = outbox.reserve(stampedBytes(length));
    this.counters.fastRouted++;
    outbox.commit(writeStamped(block, outbox.used, this.#ids, sender.idSlot, found));
    if (found.idStart >= 0) sender.send(ackFrame(sender.id, found.ascii(found.idStart, found.idEnd), 'routed'));
    return true;
  }

  /** Queues a message whose receiver is not local. Its node decides later whether the receiver exists. */
  #routeRemote(sender: Session, found: EnvelopeScanner): boolean {
    const receiver = found.ascii(found.receiverStart, found.receiverEnd);
    const id = found.idStart < 0 ? undefined : found.ascii(found.idStart, found.idEnd);
    const frame = stampedForCopy(this.#ids, sender.idSlot, found);
    if (this.remoteDelivery.route(sender, receiver, frame, id) !== 'queued') return false;
    this.counters.received++;
    return true;
  }
}
