import { Injectable } from '@nestjs/common';
import { checkGroup } from '../messaging/group-routes.js';
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
        decided(session, this.permissions.maySee(session, receiver), id, () => {
          const { after, limit = DEFAULT_PAGE } = query;
          this.#answer(session, this.#page(session, receiver, id, after, limit));
        }),
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
    return decided(session, this.permissions.mayJoin(session, room), ref, () => {
      const result = this.rooms.join(session, room, answer);
      if (result === 'too_many_rooms') throw MessageError.of(result, ref);
      if (result === 'member') answer(); // server code was faster
    });
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
    session.connection?.chargeAnswer(page.length);
  }
}

/**
 * Goes on where the verdict is a yes: at once where it is there, or else when it comes, if the session is still there.
 *
 * @throws {MessageError} `forbidden`, also as a rejection
 */
function decided(
  session: Session,
  verdict: boolean | Promise<boolean>,
  ref: string | undefined,
  goOn: () => void,
): Promise<void> | undefined {
  const decide = (isAllowed: boolean): void => {
    if (session.closed) return;
    if (!isAllowed) throw MessageError.of('forbidden', ref);
    goOn();
  };
  if (typeof verdict !== 'boolean') return verdict.then(decide);
  decide(verdict);
  return undefined;
}

/**
 * Returns the name of the room to join or to leave.
 *
 * @throws {MessageError} `invalid_message` where the receiver is no room, or where there is data
 */
function roomOf({ type, receiver, id, data }: ServerRequest): string {
  if (receiver?.startsWith(ROOM_PREFIX) !== true)
    throw new MessageError('invalid_message', `receiver of ${type} must be a room, # and its name`, id);
  checkGroup(receiver, id);
  if (data !== undefined && !isEmpty(JSON.parse(data)))
    throw new MessageError('invalid_message', `data of ${type} must be absent or empty`, id);
  return receiver.slice(1);
}

function isEmpty(body: unknown): boolean {
  return body === null || (typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0);
}
