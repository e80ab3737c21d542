import { Injectable } from '@nestjs/common';
import { NoticeLog } from '../messaging/notice-log.js';
import type { Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { RoomIndex } from './room-index.js';

/**
 * Sends `sys.away` and `sys.back` of a session to the local sessions that would get its departure: those of
 * `NOTICE_SCOPE`, and the members of its rooms, each of them once. Rooms over `ROOM_NOTICE_LIMIT` are left out.
 */
@Injectable()
export class StateNotices {
  readonly #limit: number;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly noticeLog: NoticeLog,
    private readonly rooms: RoomIndex,
    { roomNoticeLimit }: Settings,
  ) {
    this.#limit = roomNoticeLimit;
  }

  /**
   * Sends a notice of a session of any node, after every notice added before.
   *
   * @returns how many sessions were written to; 1 where the notice waits in the log
   */
  send(id: string, notice: Frame): number {
    const self = this.registry.find(id);
    if (this.noticeLog.addStateNotice(id, notice, self)) return 1;
    const receivers = this.#receivers(id, self);
    for (const receiver of receivers) this.#notify(receiver, notice);
    return receivers.size;
  }

  #receivers(id: string, self: Session | undefined): ReadonlySet<Session> {
    const receivers = new Set(this.noticeLog.peersOf(self ?? id));
    for (const room of this.rooms.roomsWith(id))
      if (room.size <= this.#limit) for (const member of room.local) receivers.add(member);
    if (self !== undefined) receivers.delete(self);
    return receivers;
  }

  #notify(receiver: Session, notice: Frame): void {
    try {
      if (!receiver.closed) this.noticeLog.notify(receiver, notice);
    } catch (error) {
      receiver.fail(error); // the notices of all other sessions go on
    }
  }
}
