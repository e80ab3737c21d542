import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import type { Envelope, EnvelopeScanner, Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';

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
   * @throws {MessageError} as {@link route}, also as a rejection
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
