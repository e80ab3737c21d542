import { Injectable } from '@nestjs/common';
import { Rooms } from '../../groups/rooms.js';
import { isRoomName, MessageError } from '../../protocol/index.js';
import type { RoomsPage, SessionsPage } from './api.dto.js';
import { pageSize } from './page-size.js';
import { Problem } from './problem.filter.js';
import { sessionNotFound, SessionQueries } from './session-queries.js';

const INVALID_ROOM = 'The name of a room is 1 to 127 of A-Z, a-z, 0-9, ".", "_", ":" and "-", without "#".';

/** Lists the rooms of all nodes and their members, and changes the members. */
@Injectable()
export class RoomQueries {
  constructor(
    private readonly rooms: Rooms,
    private readonly sessionQueries: SessionQueries,
  ) {}

  /** Returns one page of the rooms with their numbers of members, in the order of their names. @throws {Problem} 400 */
  list(after: string | undefined, limit: string | undefined): RoomsPage {
    const { rooms, ...rest } = this.rooms.list({ after, limit: pageSize(limit) });
    return { rooms: [...rooms], ...rest };
  }

  /** Returns one page of the members; an empty one for a room without members. @throws {Problem} 400 */
  async members(room: string, after: string | undefined, limit: string | undefined): Promise<SessionsPage> {
    return this.sessionQueries.describe(this.rooms.members(checked(room), { after, limit: pageSize(limit) }));
  }

  /**
   * Puts a session into a room; does nothing for a member.
   *
   * @throws {Problem} 400 for an invalid name, 404 where no session has this id
   * @throws {MessageError} `too_many_rooms`, or `unavailable` where the node of the session does not answer
   */
  async join(room: string, id: string): Promise<void> {
    await found(this.rooms.join(id, checked(room)));
  }

  /** Takes a session out of a room; does nothing where it is no member. @throws as {@link join} */
  async leave(room: string, id: string): Promise<void> {
    await found(this.rooms.leave(id, checked(room)));
  }
}

function checked(room: string): string {
  if (!isRoomName(room)) throw new Problem(400, 'invalid_room', INVALID_ROOM);
  return room;
}

async function found(changing: Promise<void>): Promise<void> {
  try {
    await changing;
  } catch (error) {
    throw error instanceof MessageError && error.code === 'receiver_not_found' ? sessionNotFound() : error;
  }
}
