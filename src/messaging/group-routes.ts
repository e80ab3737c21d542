import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import {
  isRoomName,
  MAX_RECEIVER_CHARACTERS,
  MessageError,
  ROOM_PREFIX,
  USER_PREFIX,
  type Envelope,
  type EnvelopeScanner,
  type Frame,
} from '../protocol/index.js';
import type { Session } from '../sessions/session.js';

const MAX_NAME_CHARACTERS = MAX_RECEIVER_CHARACTERS - 1;
const NOT_USER = `receiver must be @ and a user of 1 to ${MAX_NAME_CHARACTERS} characters`;
const NOT_ROOM = `receiver must be # and a room name of 1 to ${MAX_NAME_CHARACTERS} characters of A-Za-z0-9._:-`;

/** The receipt of a message that no session gets. */
export const NO_RECEIVERS: GroupReceipt = { delivered: 0, skipped: 0 };

/** Routes messages to users and rooms. Implemented by `groups/`, whose rank is higher. */
export interface GroupRouter {
  /**
   * Routes the message that the scanner has just accepted, whose receiver begins with `@` or `#`. Returns `false`, without
   * effect, where the slow path must decide.
   */
  tryRoute(sender: Session, found: EnvelopeScanner): boolean;
  /**
   * Routes the message of a client on the slow path, after `MessageAccess` has allowed it, and acknowledges it.
   *
   * @throws {MessageError} `invalid_message`, `forbidden`, `not_joined`, `rate_limited`, `receiver_not_found`,
   *   `receiver_overloaded` or `unavailable`, where that is known at once
   */
  route(sender: Session, envelope: Envelope, receiver: string): void;
  /**
   * Sends a message of server code to all members but the sender, without a limit or a check of permissions. Resolves when
   * the members on all nodes have it; returns no promise where all members are local.
   *
   * @param sender a session, or a name of the server
   * @throws {MessageError} `invalid_message`, `receiver_not_found` or `receiver_overloaded`, where that is known at once;
   *   else as a rejection, also `unavailable`
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): GroupReceipt | Promise<GroupReceipt>;
}

/** Holds the router of `groups/`, for the routers of this room. */
@Injectable()
export class GroupRoutes {
  #router: GroupRouter | undefined;

  register(router: GroupRouter): void {
    this.#router = router;
  }

  get router(): GroupRouter {
    if (this.#router === undefined) throw new Error('no router of users and rooms is registered');
    return this.#router;
  }
}

/**
 * Checks the receiver of a message or a request that must be a user or a room.
 *
 * @param ref the `id` of the message
 * @throws {MessageError} `invalid_message` for any other receiver
 */
export function checkGroup(receiver: string | undefined, ref?: string): asserts receiver is string {
  if (receiver?.startsWith(ROOM_PREFIX) === true) {
    if (isRoomName(receiver.slice(1))) return;
    throw new MessageError('invalid_message', NOT_ROOM, ref);
  }
  if (receiver?.startsWith(USER_PREFIX) !== true || receiver.length === 1 || isTooLong(receiver))
    throw new MessageError('invalid_message', NOT_USER, ref);
}

/** Counts characters beyond the basic plane as one, as `MessageDto` does. */
function isTooLong(receiver: string): boolean {
  return receiver.length > MAX_RECEIVER_CHARACTERS && Array.from(receiver).length > MAX_RECEIVER_CHARACTERS;
}
