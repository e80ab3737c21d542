import { Injectable } from '@nestjs/common';
import { NoticeLog } from '../messaging/notice-log.js';
import { SessionDirectory } from '../messaging/session-directory.js';
import { joinedFrame, leftFrame, roomFrame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import type { Room } from './room.js';
import { RoomTotals } from './room-totals.js';

/**
 * Notifies the local members of a room of each session that joins or leaves. In a room of more than `ROOM_NOTICE_LIMIT`
 * members the number of members takes the place of these notices, at most once a second. A member that reads too slowly
 * gets `sys.gap` instead.
 *
 * `sys.left` precedes the `sys.departed` of a session that ends. So a member need not be caught up before it: the
 * `sys.arrived` of the session came before its `sys.joined`, before a later `sys.room`, or before the list of members.
 */
@Injectable()
export class RoomNotices {
  readonly #limit: number;
  readonly #showUsers: boolean;
  readonly #totals = new RoomTotals((room) => this.#sendTotal(room, room.size));

  constructor(
    private readonly noticeLog: NoticeLog,
    private readonly directory: SessionDirectory,
    { roomNoticeLimit, showUsers }: Settings,
  ) {
    this.#limit = roomNoticeLimit;
    this.#showUsers = showUsers;
  }

  /** Sends a session the arrivals of the members. Call it before the session joins a room. */
  prepare(session: Session): void {
    this.noticeLog.catchUp(session);
  }

  /** Number of notices that a member causes which joins a room of this size, and leaves it later. */
  ofMember(size: number): number {
    return size + 1 > this.#limit ? 1 : 2 * size;
  }

  /** Notifies the members that a session has joined. Call it once the session is a member. @param self a local newcomer */
  joined(room: Room, id: string, self?: Session): void {
    if (room.size > this.#limit) return this.#totals.changed(room);
    const others = self === undefined ? room.local.size : room.local.size - 1;
    if (others === 0) return;
    const frame = joinedFrame(id, room.name, this.#showUsers ? this.directory.userOf(id) : undefined);
    forEach(room, (member) => member !== self && this.noticeLog.notify(member, frame));
    self?.outbox.chargeTurn(others * frame.length);
  }

  /**
   * Notifies the members that a session has left. Call it once the session is no member.
   *
   * @param code close code, where the session ended
   * @param self a local session that leaves
   */
  left(room: Room, id: string, code?: number, self?: Session): void {
    this.noticeLog.sendStateNotice(id);
    if (room.size + 1 > this.#limit) return this.#totals.changed(room);
    // A number that waits comes first, so that a member that counts has the right one.
    if (this.#totals.take(room)) this.#sendTotal(room, room.size + 1);
    if (room.local.size === 0) return;
    const frame = leftFrame(id, room.name, code);
    forEach(room, (member) => member.sendNotice(frame));
    self?.outbox.chargeTurn(room.local.size * frame.length);
  }

  /** Sends the numbers of members that wait for their second. */
  flush(): void {
    this.#totals.flush();
  }

  #sendTotal(room: Room, total: number): void {
    const frame = roomFrame(room.name, total);
    forEach(room, (member) => this.noticeLog.notify(member, frame));
  }
}

/** Notifies each local member; one that cannot be notified fails alone. */
function forEach(room: Room, notify: (member: Session) => void): void {
  for (const member of room.local) {
    // Sessions that end at one moment leave one after another, so each of them is skipped here once at most.
    if (member.closed) room.removeLocal(member);
    else attempt(member, notify);
  }
}

function attempt(member: Session, notify: (member: Session) => void): void {
  try {
    notify(member);
  } catch (error) {
    member.fail(error);
  }
}
