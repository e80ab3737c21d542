import { Injectable } from '@nestjs/common';
import { Backplane, type RoomChange, type RoomFailure } from '../cluster/backplane.js';
import { kindOf } from '../messaging/encoded-message.js';
import { pageLimit, type PageRequest } from '../messaging/page-request.js';
import { isRoomName, MessageError } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { Session } from '../sessions/session.js';
import type { IdPage } from '../sessions/sorted-ids.js';
import { GroupMembers } from './group-members.js';
import { RoomIndex, type RoomPage } from './room-index.js';

/**
 * Puts sessions into rooms, takes them out, and lists rooms. Inject it into a handler. Rooms are those of all nodes, and their
 * names are without `#`. No permission is asked, because server code is trusted.
 */
@Injectable()
export class Rooms {
  constructor(
    private readonly roomIndex: RoomIndex,
    private readonly groupMembers: GroupMembers,
    private readonly sessions: SessionRegistry,
    private readonly backplane: Backplane,
  ) {}

  /**
   * Makes a session a member of a room, and sends the session the first page of members as `sys.members`. Sends nothing to a
   * member. A session of this node is a member when the call returns, one of another node when the promise resolves.
   *
   * The membership ends only when the session leaves or ends, or by {@link leave}: a renewed token is not checked against it,
   * neither by its claim nor by a policy, also where the session was a member already.
   *
   * @param session a session, or the id of a session on any node
   * @throws {MessageError} `too_many_rooms` over `MAX_ROOMS_PER_SESSION`, `receiver_not_found` where the session has left,
   *   `unavailable` where its node does not answer
   * @throws {TypeError} for a session of another kind, or a name that no room may have
   */
  async join(session: Session | string, room: string): Promise<void> {
    await this.#change('join', session, room);
  }

  /**
   * Ends the membership of a session, and sends the session `sys.left` with its own id as the sender. Does nothing where the
   * session is no member.
   *
   * @throws {MessageError} `receiver_not_found`, `unavailable`, and {@link TypeError} as {@link join}
   */
  async leave(session: Session | string, room: string): Promise<void> {
    await this.#change('leave', session, room);
  }

  /**
   * Returns one page of the members of a room on all nodes; an empty page for a room without members.
   *
   * @throws {RangeError} where `limit` is out of range
   * @throws {TypeError} for a name that no room may have
   */
  members(room: string, page: PageRequest = {}): IdPage {
    return this.roomIndex.page(checkedRoom(room), page.after, pageLimit(page));
  }

  /** Returns how many members a room has on all nodes. @throws {TypeError} for a name that no room may have */
  size(room: string): number {
    return this.roomIndex.size(checkedRoom(room));
  }

  /** Returns the names of the rooms of a session of this node; none once the session has left. */
  of(session: Session): readonly string[] {
    if (!(session instanceof Session)) throw notSession(session, 'a Session of this node');
    return this.roomIndex.roomsOf(session);
  }

  /** Returns one page of all rooms that have members. @throws {RangeError} where `limit` is out of range */
  list(page: PageRequest = {}): RoomPage {
    return this.roomIndex.pageOfRooms(page.after, pageLimit(page));
  }

  async #change(change: RoomChange, session: Session | string, room: string): Promise<void> {
    checkedRoom(room);
    const failure = await this.#changed(change, session, room);
    if (failure !== undefined) throw MessageError.of(failure);
  }

  /** Changes a local session at once. */
  #changed(
    change: RoomChange,
    session: Session | string,
    room: string,
  ): RoomFailure | undefined | Promise<RoomFailure | undefined> {
    const id = session instanceof Session ? session.id : session;
    if (typeof id !== 'string') throw notSession(id, 'a Session or the id of one');
    const local = this.sessions.find(id);
    if (local !== undefined) return this.groupMembers.change(change, local, room);
    return session instanceof Session ? 'receiver_not_found' : this.backplane.changeRoom(change, id, room);
  }
}

function checkedRoom(room: unknown): string {
  if (isRoomName(room)) return room;
  const found = typeof room === 'string' ? JSON.stringify(room.slice(0, 64)) : kindOf(room);
  throw new TypeError(`the name of a room is 1 to 127 of A-Z, a-z, 0-9, ".", "_", ":" and "-", and not ${found}`);
}

function notSession(found: unknown, expected: string): TypeError {
  return new TypeError(`a room takes ${expected}, and not ${kindOf(found)}`);
}
