import { Injectable } from '@nestjs/common';
import { SessionDirectory } from '../messaging/session-directory.js';
import type { MembersPage, SessionPage } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { RoomIndex } from './room-index.js';
import { UserIndex } from './user-index.js';

/** Returns pages of members of rooms and of sessions of users, as `sys.members` and `sys.sessions` show them. */
@Injectable()
export class MemberPages {
  constructor(
    private readonly rooms: RoomIndex,
    private readonly users: UserIndex,
    private readonly directory: SessionDirectory,
    private readonly settings: Settings,
  ) {}

  /** Returns one page of the members of a room on all nodes. @param room name without `#` */
  members(room: string, after: string | undefined, limit: number): MembersPage {
    const { sessions, ...rest } = this.rooms.page(room, after, limit);
    return { room, sessions: this.directory.entries(sessions, this.settings), ...rest };
  }

  /** Returns one page of the sessions of a user on all nodes. @param user without `@` */
  sessions(user: string, after: string | undefined, limit: number): SessionPage {
    const { sessions, ...rest } = this.users.page(user, after, limit);
    return { sessions: this.directory.entries(sessions, this.settings), ...rest };
  }
}
