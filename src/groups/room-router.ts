import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import { NO_RECEIVERS } from '../messaging/group-routes.js';
import { chargeReceivers, tryChargeReceivers } from '../messaging/receiver-rate.js';
import {
  ackFrame,
  MessageError,
  stampedCopy,
  stampedFrame,
  type Envelope,
  type EnvelopeScanner,
  type Frame,
  type IdTable,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { GroupFanOut } from './group-fan-out.js';
import { GroupPermissions } from './group-permissions.js';
import { RemoteGroups, type GroupOutcome } from './remote-groups.js';
import { RoomIndex } from './room-index.js';
import type { Room } from './room.js';

const NOT_ALL = 'Not all members received the message; some of their nodes cannot be reached now.';

/** Routes messages to the members of rooms on all nodes. A message of a session is charged by its receivers. */
@Injectable()
export class RoomRouter {
  readonly #ids: IdTable;

  constructor(
    private readonly rooms: RoomIndex,
    private readonly permissions: GroupPermissions,
    private readonly fanOut: GroupFanOut,
    private readonly remoteGroups: RemoteGroups,
    sessions: SessionRegistry,
  ) {
    this.#ids = sessions.idTable;
  }

  /** Routes a scanned message of a member; returns `false`, without effect, where the slow path must decide. */
  tryRoute(sender: Session, found: EnvelopeScanner): boolean {
    const room = this.rooms.findAt(found.receiverStart + 1, found.receiverEnd);
    if (room?.local.has(sender) !== true || !this.permissions.maySend(sender, room.receiver)) return false;
    if (!tryChargeReceivers(sender, room.size - 1)) return false;
    const ref = found.idStart < 0 ? undefined : found.ascii(found.idStart, found.idEnd);
    this.#send(sender, room, stampedCopy(this.#ids, sender.idSlot, found), ref);
    return true;
  }

  /** @throws {MessageError} `forbidden`, `not_joined` or `rate_limited`, in that order */
  route(sender: Session, envelope: Envelope, receiver: string): void {
    const { type, id } = envelope;
    const name = receiver.slice(1);
    if (!this.permissions.maySend(sender, receiver)) throw MessageError.of('forbidden', id);
    if (!this.rooms.isMember(sender, name) && !this.permissions.maySendFromOutside(sender, name, type))
      throw MessageError.of('not_joined', id);
    if (sender.closed) return; // the policy may close the session
    const room = this.rooms.find(name);
    const receivers = room === undefined ? 0 : room.size - (room.local.has(sender) ? 1 : 0);
    chargeReceivers(sender, receivers, id);
    if (room !== undefined) this.#send(sender, room, stampedFrame(sender.id, envelope), id);
    else if (id !== undefined) sender.send(ackFrame(sender.id, id, 'accepted'));
  }

  /** Sends a message of server code. Returns no promise where all members are local. */
  deliver(sender: Session | string, receiver: string, frame: Frame): GroupReceipt | Promise<GroupReceipt> {
    const room = this.rooms.find(receiver.slice(1));
    if (room === undefined) return NO_RECEIVERS;
    const isServer = typeof sender === 'string';
    const local = this.fanOut.send(room, frame, isServer ? undefined : sender);
    if (!room.hasRemote) return local;
    const message = { sender: isServer ? sender : sender.id, receiver, frame, local };
    return this.remoteGroups.deliver(room.nodeIds, message, (outcome) => failureOf(outcome));
  }

  /** Puts a message of another node on the connections of local members. Copies the frame. */
  deliverLocal(receiver: string, frame: Frame): GroupReceipt {
    const room = this.rooms.find(receiver.slice(1));
    if (room === undefined || room.local.size === 0) return NO_RECEIVERS;
    return this.fanOut.send(room, Buffer.from(frame) as Frame);
  }

  #send(sender: Session, room: Room, frame: Frame, ref: string | undefined): void {
    const local = this.fanOut.send(room, frame, sender);
    if (!room.hasRemote) {
      if (ref !== undefined) sender.send(ackFrame(sender.id, ref, 'accepted', local.skipped));
      return;
    }
    const message = { sender: sender.id, receiver: room.receiver, frame, local };
    this.remoteGroups.send(room.nodeIds, message, (outcome) => this.#answer(sender, outcome, ref));
  }

  /** Answers a message to members on several nodes. */
  #answer(sender: Session, outcome: GroupOutcome, ref: string | undefined): void {
    if (sender.closed) return;
    const failure = failureOf(outcome, ref);
    if (failure !== undefined) this.remoteGroups.refuse(sender, failure);
    else if (ref !== undefined) sender.send(ackFrame(sender.id, ref, 'accepted', outcome.skipped));
  }
}

function failureOf({ failedNodes }: GroupOutcome, ref?: string): MessageError | undefined {
  return failedNodes > 0 ? new MessageError('unavailable', NOT_ALL, ref) : undefined;
}
