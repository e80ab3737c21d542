import { Injectable } from '@nestjs/common';
import {
  ackFrame,
  EVERYONE,
  ROOM_PREFIX,
  stampedBytes,
  stampedCopy,
  stampedFrame,
  TEXT,
  USER_PREFIX,
  type Envelope,
  type EnvelopeScanner,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { Broadcaster } from './broadcaster.js';
import { GroupRoutes } from './group-routes.js';

const STAR = EVERYONE.charCodeAt(0);
const AT = USER_PREFIX.charCodeAt(0);
const HASH = ROOM_PREFIX.charCodeAt(0);
const DASH = '-'.charCodeAt(0);

/**
 * Returns whether a receiver with this first character is no session id. Those of ids are `A-Za-z0-9_-`: the `*` and `#` of
 * other receivers are below all of them, and `@` is between.
 */
export function isNoIdCharacter(byte: number): boolean {
  return byte < DASH || byte === AT;
}

/** Routes the messages of clients to many receivers: to everyone, to a user, to a room. */
@Injectable()
export class Recipients {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly broadcaster: Broadcaster,
    private readonly groupRoutes: GroupRoutes,
    private readonly counters: Counters,
  ) {}

  /** Routes the message that the scanner has just accepted. Returns `false`, without effect, where the slow path must decide. */
  tryRoute(sender: Session, found: EnvelopeScanner): boolean {
    const { receiverStart, receiverEnd } = found;
    const first = TEXT[receiverStart];
    if (first === STAR) return receiverEnd - receiverStart === 1 && this.#broadcast(sender, found);
    if ((first !== HASH && first !== AT) || !this.groupRoutes.router.tryRoute(sender, found)) return false;
    this.counters.received++;
    return true;
  }

  /**
   * Routes a message on the slow path, and acknowledges it.
   *
   * @param receiver `*`, `@USER` or `#ROOM`
   * @throws {MessageError} as `Broadcaster.broadcastFor` and `GroupRouter.route`
   */
  route(sender: Session, envelope: Envelope, receiver: string): void {
    if (receiver !== EVERYONE) return this.groupRoutes.router.route(sender, envelope, receiver);
    const { id } = envelope;
    const skipped = this.broadcaster.broadcastFor(sender, stampedFrame(sender.id, envelope), id);
    if (id !== undefined) sender.send(ackFrame(sender.id, id, 'accepted', skipped));
  }

  #broadcast(sender: Session, found: EnvelopeScanner): boolean {
    if (!this.broadcaster.tryCharge(sender, stampedBytes(found.length))) return false;
    const frame = stampedCopy(this.sessions.idTable, sender.idSlot, found);
    const { skipped } = this.broadcaster.broadcast(frame, sender);
    this.counters.fastBroadcasts++;
    if (found.idStart >= 0)
      sender.send(ackFrame(sender.id, found.ascii(found.idStart, found.idEnd), 'accepted', skipped));
    return true;
  }
}
