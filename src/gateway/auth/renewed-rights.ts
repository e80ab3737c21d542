import { Injectable } from '@nestjs/common';
import { GroupPermissions } from '../../groups/group-permissions.js';
import { RoomIndex } from '../../groups/room-index.js';
import { RememberedAnswers } from '../../messaging/remembered-answers.js';
import { Presence } from '../../presence/presence.js';
import { leftFrame } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { TokenExpiry } from './token-expiry.js';
import type { VerifiedToken } from './token-verifier.js';

/** Applies a renewed token to its session: ends memberships and watches that the new token does not allow. */
@Injectable()
export class RenewedRights {
  constructor(
    private readonly expiry: TokenExpiry,
    private readonly answers: RememberedAnswers,
    private readonly permissions: GroupPermissions,
    private readonly rooms: RoomIndex,
    private readonly presence: Presence,
  ) {}

  /**
   * Replaces the claims and the expiry of a session. Rights that are decided at once have ended when the call returns;
   * those about which a policy answers later, when the promise resolves.
   */
  async apply(session: Session, { claims, expiresAt }: VerifiedToken): Promise<void> {
    const { identity } = session;
    this.expiry.forget(session);
    identity.claims = claims;
    identity.expiresAt = expiresAt;
    if (session.state === 'open') this.expiry.watch(session); // else the return watches the token that it brings
    await this.recheck(session);
  }

  /** Ends what the claims of a session do not allow any more, because they may be others. Resolves as {@link apply} does. */
  async recheck(session: Session): Promise<void> {
    this.answers.forget(session);
    const rooms = [...this.rooms.roomsOf(session)];
    await Promise.all([...rooms.map((room) => this.#recheck(session, room)), this.presence.recheck(session)]);
  }

  /** Takes a session out of a room that it may not be in any more, and notifies it. */
  async #recheck(session: Session, room: string): Promise<void> {
    const stays = this.permissions.mayStay(session, room);
    if (stays === true || (stays !== false && (await stays))) return;
    if (this.rooms.leave(session, room)) session.send(leftFrame(session.id, room));
  }
}
