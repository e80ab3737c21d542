import { Injectable } from '@nestjs/common';
import { checkGroup } from '../messaging/group-routes.js';
import { checkNoData } from '../messaging/no-data.js';
import { chargeReceivers } from '../messaging/receiver-rate.js';
import { SystemRequestHandler } from '../messaging/system-request-handler.js';
import { whoQuery } from '../messaging/who-query.js';
import {
  ackFrame,
  DEFAULT_PAGE,
  membersFrame,
  MessageError,
  ROOM_PREFIX,
  sessionsFrame,
  type Frame,
  type ServerRequest,
} from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { decide } from './decide.js';
import { GroupPermissions } from './group-permissions.js';
import { MemberPages } from './member-pages.js';
import { RequestTurns } from './request-turns.js';
import { RoomIndex } from './room-index.js';

/** Answers `sys.join`, `sys.leave`, and `sys.who` with a user or a room as the receiver; those of a session in their order. */
@Injectable()
export class GroupRequests {
  readonly #turns = new RequestTurns();

  constructor(
    systemRequests: SystemRequestHandler,
    private readonly rooms: RoomIndex,
    private readonly pages: MemberPages,
    private readonly permissions: GroupPermissions,
  ) {
    systemRequests.register('sys.join', (session, request) => {
      const room = roomOf(request);
      return this.#turns.run(session, request.id, () => this.#join(session, room, request.id));
    });
    systemRequests.register('sys.leave', (session, request) => {
      const room = roomOf(request);
      return this.#turns.run(session, request.id, () => this.#leave(session, room, request.id));
    });
    systemRequests.register('sys.who', (session, request) => {
      const { receiver, id, data } = request;
      checkGroup(receiver, id);
      const query = whoQuery(data, id);
      return this.#turns.run(session, id, () =>
        decide(
          session,
          () => this.permissions.maySee(session, receiver),
          (maySee) => {
            if (!maySee) throw MessageError.of('forbidden', id);
            const { after, limit = DEFAULT_PAGE } = query;
            this.#answer(session, this.#page(session, receiver, id, after, limit));
          },
        ),
      );
    });
  }

  #join(session: Session, room: string, ref: string | undefined): Promise<void> | undefined {
    const answer = (): void =>
      this.#answer(session, this.#page(session, ROOM_PREFIX + room, ref, undefined, DEFAULT_PAGE));
    if (this.rooms.isMember(session, room)) {
      answer();
      return undefined;
    }
    return decide(
      session,
      () => this.permissions.mayJoin(session, room),
      (mayJoin) => {
        if (!mayJoin) throw MessageError.of('forbidden', ref);
        // Charges the join for its leave, too, because a leave is never refused.
        if (this.rooms.obstacle(session, room) === undefined)
          chargeReceivers(session, this.rooms.noticesOfMember(room), ref);
        const result = this.rooms.join(session, room, answer);
        if (result === 'too_many_rooms') throw MessageError.of(result, ref);
        if (result === 'member') answer(); // server code was faster
      },
    );
  }

  #leave(session: Session, room: string, ref: string | undefined): undefined {
    void this.rooms.leave(session, room);
    if (ref !== undefined) session.send(ackFrame(session.id, ref, 'left'));
  }

  #page(session: Session, receiver: string, ref: string | undefined, after: string | undefined, limit: number): Frame {
    const name = receiver.slice(1);
    return receiver.startsWith(ROOM_PREFIX)
      ? membersFrame(session.id, ref, this.pages.members(name, after, limit))
      : sessionsFrame(session.id, ref, this.pages.sessions(name, after, limit));
  }

  #answer(session: Session, page: Frame): void {
    session.send(page);
    session.rateLimiter?.chargeAnswer(page.length);
  }
}

/**
 * Returns the name of the room to join or to leave.
 *
 * @throws {MessageError} `invalid_message` where the receiver is no room, or where there is data
 */
function roomOf(request: ServerRequest): string {
  const { type, receiver, id } = request;
  if (receiver?.startsWith(ROOM_PREFIX) !== true)
    throw new MessageError('invalid_message', `receiver of ${type} must be a room, # and its name`, id);
  checkGroup(receiver, id);
  checkNoData(request);
  return receiver.slice(1);
}
