import { Injectable } from '@nestjs/common';
import type { GroupReceipt, RoomChange, RoomFailure, SessionInfo } from '../cluster/backplane.js';
import type { GroupIndex } from '../messaging/local-node.js';
import { DEFAULT_PAGE, leftFrame, membersFrame, type Frame } from '../protocol/index.js';
import type { SessionListener } from '../sessions/session-listener.js';
import type { SessionPart } from '../sessions/session-parts.js';
import type { Session } from '../sessions/session.js';
import { GroupRouter } from './group-router.js';
import { MemberPages } from './member-pages.js';
import { RoomIndex } from './room-index.js';
import { ServerMemberships } from './server-memberships.js';
import { UserIndex } from './user-index.js';

const NO_ROOMS: readonly string[] = [];

/** The rooms of a session as a restart carries them. */
interface SavedRooms {
  readonly rooms: readonly string[];
  /** Names of the rooms in which server code has put the session. */
  readonly byServer: readonly string[];
}

/**
 * Keeps users and rooms in step with the sessions of all nodes. A session that ends leaves its rooms first, so that its user
 * goes offline behind its last `sys.left`.
 */
@Injectable()
export class GroupMembers implements GroupIndex, SessionListener, SessionPart {
  constructor(
    private readonly rooms: RoomIndex,
    readonly users: UserIndex,
    readonly router: GroupRouter,
    private readonly pages: MemberPages,
    private readonly serverMemberships: ServerMemberships,
  ) {}

  announced(session: Session): void {
    this.users.add(session);
  }

  restored(session: Session): void {
    this.users.add(session);
  }

  closed(session: Session, code: number): void {
    this.rooms.ended(session, code);
    this.users.remove(session);
  }

  flush(): void {
    this.rooms.flush();
  }

  save(session: Session): SavedRooms | undefined {
    const rooms = this.roomsOf(session);
    return rooms && { rooms, byServer: rooms.filter((room) => this.serverMemberships.has(session, room)) };
  }

  restore(session: Session, { rooms, byServer }: SavedRooms): void {
    for (const room of rooms) this.rooms.restore(session, room);
    for (const room of byServer) this.serverMemberships.add(session, room);
  }

  roomsOf(session: Session): readonly string[] | undefined {
    const rooms = this.rooms.roomsOf(session);
    return rooms.length === 0 ? undefined : rooms;
  }

  remoteArrived({ id, user, rooms = NO_ROOMS }: SessionInfo): void {
    if (user !== undefined) this.users.addRemote(id, user);
    this.rooms.remoteRooms(id, rooms);
  }

  remoteDeparted(id: string, user: string | undefined, code: number): void {
    this.rooms.remoteDeparted(id, code);
    if (user !== undefined) this.users.removeRemote(id, user);
  }

  remoteJoined(id: string, room: string): void {
    this.rooms.remoteJoined(id, room);
  }

  remoteLeft(id: string, room: string): void {
    this.rooms.remoteLeft(id, room);
  }

  deliverLocal(sender: string, receiver: string, frame: Frame): GroupReceipt {
    return this.router.deliverLocal(sender, receiver, frame);
  }

  /**
   * Puts a local session into a room or takes it out, in the name of server code. Sends the session `sys.members` or
   * `sys.left` where that changes anything. The membership is one of server code also where the session was a member already.
   *
   * @param room name without `#`
   * @returns the reason why the session did not join
   */
  change(change: RoomChange, session: Session, room: string): RoomFailure | undefined {
    if (change === 'leave') {
      if (this.rooms.leave(session, room)) session.send(leftFrame(session.id, room));
      return undefined;
    }
    const result = this.rooms.join(session, room, () => {
      this.serverMemberships.add(session, room); // before a hook may end the membership
      session.send(membersFrame(session.id, undefined, this.pages.members(room, undefined, DEFAULT_PAGE)));
    });
    if (result === 'member') this.serverMemberships.add(session, room);
    if (result === 'closed') return 'receiver_not_found';
    return result === 'too_many_rooms' ? result : undefined;
  }
}
