import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import { checkGroup, type GroupRouter as Router } from '../messaging/group-routes.js';
import { ROOM_PREFIX, TEXT, type Envelope, type EnvelopeScanner, type Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { RoomRouter } from './room-router.js';
import { UserRouter } from './user-router.js';

const HASH = ROOM_PREFIX.charCodeAt(0);

/** Routes messages to users and rooms, by the first character of the receiver. */
@Injectable()
export class GroupRouter implements Router {
  constructor(
    private readonly rooms: RoomRouter,
    private readonly users: UserRouter,
  ) {}

  tryRoute(sender: Session, found: EnvelopeScanner): boolean {
    return TEXT[found.receiverStart] === HASH ? this.rooms.tryRoute(sender, found) : this.users.tryRoute(sender, found);
  }

  route(sender: Session, envelope: Envelope, receiver: string): void {
    this.#routerOf(receiver).route(sender, envelope, receiver);
  }

  deliver(sender: Session | string, receiver: string, frame: Frame): GroupReceipt | Promise<GroupReceipt> {
    checkGroup(receiver);
    return this.#routerOf(receiver).deliver(sender, receiver, frame);
  }

  /** Puts a message of another node on the connections of local members. Copies the frame. */
  deliverLocal(sender: string, receiver: string, frame: Frame): GroupReceipt {
    return receiver.startsWith(ROOM_PREFIX)
      ? this.rooms.deliverLocal(receiver, frame)
      : this.users.deliverLocal(sender, receiver, frame);
  }

  #routerOf(receiver: string): RoomRouter | UserRouter {
    return receiver.startsWith(ROOM_PREFIX) ? this.rooms : this.users;
  }
}
