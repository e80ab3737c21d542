import { Injectable } from '@nestjs/common';
import { NoticeLog } from '../messaging/notice-log.js';
import { SessionDirectory } from '../messaging/session-directory.js';
import { joinedFrame, leftFrame, roomFrame, type Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import type { Room } from './room.js';
import { RoomTotals } from './room-totals.js';

/**
 * Notifies the local members of a room of each session that joins or leaves. In a room of more than `ROOM_NOTICE_LIMIT`
 * members the number of members takes the place of these notices, at most once a second.
 */
@Injectable()
export class RoomNotices {
  readonly #limit: number;
  readonly #showUsers: boolean;
  readonly #totals = new RoomTotals((room) => this.#send(room, roomFrame(room.name, room.size)));

  constructor(
    private readonly noticeLog: NoticeLog,
    private readonly directory: SessionDirectory,
    { roomNoticeLimit, showUsers }: Settings,
  ) {
    this.#limit = roomNoticeLimit;
    this.#showUsers = showUsers;
  }

  /** Number of notices that a member causes which joins a room of this size, and leaves it later. */
  ofMember(size: number): number {
    return size + 1 > this.#limit ? 1 : 2 * size;
  }

  /** Notifies the members that a session has joined. Call it once the session is a member. @param self a local newcomer */
  joined(room: Room, id: string, self?: Session): void {
    if (room.size > this.#limit) return this.#totals.changed(room);
    const others = self === undefined ? room.local.size : room.local.size - 1;
    if (others > 0) this.#send(room, joinedFrame(id, room.name, this.#userOf(id)), self);
  }

  /**
   * Notifies the members that a session has left. Call it once the session is no member.
   *
   * @param code close code, where the session ended
   * @param self a local session that leaves
   */
  left(room: Room, id: string, code?: number, self?: Session): void {
    if (room.size + 1 > this.#limit) this.#totals.changed(room);
    else if (room.local.size > 0) this.#send(room, leftFrame(id, room.name, code), self);
  }

  /** @param cause gets no notice of itself, and the bytes of the others count for its turn */
  #send(room: Room, frame: Frame, cause?: Session): void {
    for (const member of room.local) {
      if (member === cause) continue;
      // Sessions that end at one moment leave one after another, so each of them is skipped here once at most.
      if (member.closed) room.removeLocal(member);
      else this.#sendTo(member, frame);
    }
    cause?.outbox.chargeTurn(room.local.size * frame.length);
  }

  #sendTo(member: Session, frame: Frame): void {
    try {
      this.noticeLog.send(member, frame);
    } catch (error) {
      member.fail(error); // the notices of all other members go on
    }
  }

  #userOf(id: string): string | undefined {
    return this.#showUsers ? this.directory.userOf(id) : undefined;
  }
}
