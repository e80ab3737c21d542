import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import { NO_RECEIVERS } from '../messaging/group-routes.js';
import { LocalDelivery } from '../messaging/local-delivery.js';
import type { SessionRef } from '../messaging/peers.js';
import { chargeReceivers, tryChargeReceivers } from '../messaging/receiver-rate.js';
import {
  isServerSender,
  MessageError,
  stampedCopy,
  stampedForCopy,
  stampedFrame,
  userAckFrame,
  type Envelope,
  type EnvelopeScanner,
  type Frame,
  type IdTable,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { GroupPermissions } from './group-permissions.js';
import { RemoteGroups, type GroupOutcome } from './remote-groups.js';
import { UserIndex } from './user-index.js';

/** Whether sessions share the bytes of a frame, or get a copy because the caller uses the bytes again. */
type DeliveryMethod = 'deliver' | 'deliverCopy';

const NOT_ALL = 'Not all sessions of the user received the message; some of their nodes cannot be reached now.';

/** The sessions of a user that get a message. */
interface Receivers {
  readonly user: string;
  /** Sessions of this node, without the sender. */
  readonly local: readonly Session[];
  /** Other nodes with sessions of the user. */
  readonly nodes: readonly string[];
}

/** Routes messages to the sessions of users on all nodes. A message of a session is charged by its receivers. */
@Injectable()
export class UserRouter {
  readonly #ids: IdTable;

  constructor(
    private readonly users: UserIndex,
    private readonly permissions: GroupPermissions,
    private readonly localDelivery: LocalDelivery,
    private readonly remoteGroups: RemoteGroups,
    sessions: SessionRegistry,
  ) {
    this.#ids = sessions.idTable;
  }

  /** Routes a scanned message; returns `false`, without effect, where the slow path must decide. */
  tryRoute(sender: Session, found: EnvelopeScanner): boolean {
    const receiver = found.ascii(found.receiverStart, found.receiverEnd);
    if (!this.permissions.maySend(sender, receiver)) return false;
    const receivers = this.#receivers(sender, receiver);
    if (mayBeRefused(receivers) || !tryChargeReceivers(sender, this.#sizeOf(receivers))) return false;
    const ref = found.idStart < 0 ? undefined : found.ascii(found.idStart, found.idEnd);
    const isShared = receivers.local.length > 1;
    const frame = (isShared ? stampedCopy : stampedForCopy)(this.#ids, sender.idSlot, found);
    this.#send(sender, receivers, receiver, frame, ref, isShared ? 'deliver' : 'deliverCopy');
    return true;
  }

  /** @throws {MessageError} `forbidden`, `receiver_not_found`, `rate_limited` or `receiver_overloaded`, in that order */
  route(sender: Session, envelope: Envelope, receiver: string): void {
    const { id } = envelope;
    if (!this.permissions.maySend(sender, receiver)) throw MessageError.of('forbidden', id);
    const receivers = this.#receivers(sender, receiver);
    if (isNobody(receivers)) throw notFound(id);
    chargeReceivers(sender, this.#sizeOf(receivers), id);
    this.#send(sender, receivers, receiver, stampedFrame(sender.id, envelope), id, 'deliver');
  }

  /**
   * Sends a message of server code. Returns no promise where all sessions are local.
   *
   * @throws {MessageError} `receiver_not_found` or `receiver_overloaded`, where that is known at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): GroupReceipt | Promise<GroupReceipt> {
    const receivers = this.#receivers(sender, receiver);
    const local = this.#deliverTo(receivers.local, sender, frame, 'deliver');
    if (receivers.nodes.length === 0) return checked(local);
    this.#recordExchange(sender, receivers);
    const message = { sender: typeof sender === 'string' ? sender : sender.id, receiver, frame, local };
    return this.remoteGroups.deliver(receivers.nodes, message, (outcome) => failureOf(outcome));
  }

  /** Puts a message of another node on the connections of local sessions. Copies the frame. */
  deliverLocal(sender: string, receiver: string, frame: Frame): GroupReceipt {
    const local = this.users.local(receiver.slice(1));
    if (local.length === 0) return NO_RECEIVERS;
    return local.length === 1
      ? this.#deliverTo(local, sender, frame, 'deliverCopy')
      : this.#deliverTo(local, sender, Buffer.from(frame) as Frame, 'deliver');
  }

  #receivers(sender: SessionRef, receiver: string): Receivers {
    const user = receiver.slice(1);
    const local = this.users.local(user);
    const others = local.some((session) => session === sender) ? local.filter((each) => each !== sender) : local;
    return { user, local: others, nodes: this.users.nodes(user) };
  }

  /** @throws {MessageError} `receiver_overloaded`, where that is known at once */
  #send(
    sender: Session,
    receivers: Receivers,
    receiver: string,
    frame: Frame,
    ref: string | undefined,
    method: DeliveryMethod,
  ): void {
    const local = this.#deliverTo(receivers.local, sender, frame, method);
    if (reached(local) > 1) sender.outbox.chargeTurn(reached(local) * frame.length);
    if (receivers.nodes.length === 0) {
      checked(local, ref);
      if (ref !== undefined) sender.send(userAckFrame(sender.id, ref, local.delivered, local.held));
      return;
    }
    this.#recordExchange(sender, receivers);
    const message = { sender: sender.id, receiver, frame, local };
    this.remoteGroups.send(receivers.nodes, message, (outcome) => this.#answer(sender, outcome, ref));
  }

  /**
   * Puts a frame on connections, and keeps it for sessions that are away. A session whose outbox refuses the frame gets
   * `sys.gap` in its place, also where no session gets the frame, because that is known only once all nodes have answered.
   */
  #deliverTo(sessions: readonly Session[], sender: SessionRef, frame: Frame, method: DeliveryMethod): GroupReceipt {
    let delivered = 0;
    let held = 0;
    for (const session of sessions) {
      const outcome = this.localDelivery[method](sender, session, frame);
      if (outcome === undefined) delivered++;
      else if (outcome === 'held') held++;
      else this.localDelivery.miss(session);
    }
    return { delivered, skipped: sessions.length - delivered - held, ...(held > 0 && { held }) };
  }

  #answer(sender: Session, outcome: GroupOutcome, ref: string | undefined): void {
    if (sender.closed) return;
    const failure = failureOf(outcome, ref);
    if (failure !== undefined) this.remoteGroups.refuse(sender, failure);
    else if (ref !== undefined) sender.send(userAckFrame(sender.id, ref, outcome.delivered, outcome.held));
  }

  /** Records the exchange before the outcome is known, because a session may have left by then. */
  #recordExchange(sender: SessionRef, { user }: Receivers): void {
    if (typeof sender !== 'string' || !isServerSender(sender))
      this.remoteGroups.recordExchange(sender, this.users.remote(user));
  }

  /** Returns the number of receivers on all nodes. */
  #sizeOf({ user, local }: Receivers): number {
    return local.length + this.users.remoteCount(user);
  }
}

function isNobody({ local, nodes }: Receivers): boolean {
  return local.length === 0 && nodes.length === 0;
}

/** Returns whether a message may be refused, because it cannot be put on the connection of any session now. */
function mayBeRefused({ local, nodes }: Receivers): boolean {
  return nodes.length === 0 && !local.some(({ outbox }) => outbox.isDirect);
}

/** Returns the number of sessions that have a message, or for which it is kept. */
function reached({ delivered, held = 0 }: GroupReceipt): number {
  return delivered + held;
}

/** Returns the receipt of a message to local sessions only. @throws {MessageError} where no session got it */
function checked(local: GroupReceipt, ref?: string): GroupReceipt {
  if (reached(local) > 0) return local;
  throw notReached(local, ref);
}

/** Returns the error where no session got a message, or those of a node may not have it. */
function failureOf(outcome: GroupOutcome, ref?: string): MessageError | undefined {
  const isReached = reached(outcome) > 0;
  if (outcome.failedNodes === 0) return isReached ? undefined : notReached(outcome, ref);
  return isReached ? new MessageError('unavailable', NOT_ALL, ref) : MessageError.of('unavailable', ref);
}

function notReached({ skipped }: GroupReceipt, ref?: string): MessageError {
  return skipped > 0 ? MessageError.of('receiver_overloaded', ref) : notFound(ref);
}

/** Makes the error of a user without a session, whose text differs because the receiver is no id. */
function notFound(ref?: string): MessageError {
  return new MessageError('receiver_not_found', 'The user has no session, or only the sending one.', ref);
}
