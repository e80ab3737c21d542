import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import { LocalDelivery } from '../messaging/local-delivery.js';
import type { SessionRef } from '../messaging/peers.js';
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

const NOBODY: GroupReceipt = { delivered: 0, skipped: 0 };

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
    const receivers = this.#receivers(sender, receiver);
    // The type has no part in the decision of `maySend`.
    if (failureAtOnce(receivers) !== undefined || !this.permissions.maySend(sender, receiver, '')) return false;
    if (this.#waitMs(sender, receivers) > 0) return false;
    const ref = found.idStart < 0 ? undefined : found.ascii(found.idStart, found.idEnd);
    const isShared = receivers.local.length > 1;
    const frame = (isShared ? stampedCopy : stampedForCopy)(this.#ids, sender.idSlot, found);
    this.#send(sender, receivers, receiver, frame, ref, isShared ? 'deliver' : 'deliverCopy');
    return true;
  }

  /** @throws {MessageError} `forbidden`, `receiver_not_found`, `receiver_overloaded` or `rate_limited`, in that order */
  route(sender: Session, envelope: Envelope, receiver: string): void {
    const { type, id } = envelope;
    if (!this.permissions.maySend(sender, receiver, type)) throw MessageError.of('forbidden', id);
    const receivers = this.#receivers(sender, receiver);
    const failure = failureAtOnce(receivers);
    if (failure !== undefined) throw errorOf(failure, id);
    const retryAfterMs = this.#waitMs(sender, receivers);
    if (retryAfterMs > 0) throw MessageError.of('rate_limited', id, { retryAfterMs });
    this.#send(sender, receivers, receiver, stampedFrame(sender.id, envelope), id, 'deliver');
  }

  /**
   * Sends a message of server code. Returns no promise where all sessions are local.
   *
   * @throws {MessageError} `receiver_not_found` or `receiver_overloaded`, where that is known at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): GroupReceipt | Promise<GroupReceipt> {
    const receivers = this.#receivers(sender, receiver);
    const failure = failureAtOnce(receivers);
    if (failure !== undefined) throw errorOf(failure);
    const local = this.#deliverTo(receivers.local, sender, frame, 'deliver');
    if (receivers.nodes.length === 0) return local;
    this.#recordExchange(sender, receivers);
    const message = { sender: typeof sender === 'string' ? sender : sender.id, receiver, frame, local };
    return this.remoteGroups.deliver(receivers.nodes, message, (outcome) => failureOf(outcome));
  }

  /** Puts a message of another node on the connections of local sessions. Copies the frame. */
  deliverLocal(sender: string, receiver: string, frame: Frame): GroupReceipt {
    const local = this.users.local(receiver.slice(1));
    if (local.length === 0) return NOBODY;
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

  #send(
    sender: Session,
    receivers: Receivers,
    receiver: string,
    frame: Frame,
    ref: string | undefined,
    method: DeliveryMethod,
  ): void {
    const local = this.#deliverTo(receivers.local, sender, frame, method);
    if (local.delivered > 1) sender.outbox.chargeTurn(local.delivered * frame.length);
    if (receivers.nodes.length === 0) {
      if (ref !== undefined) sender.send(userAckFrame(sender.id, ref, local.delivered));
      return;
    }
    this.#recordExchange(sender, receivers);
    const message = { sender: sender.id, receiver, frame, local };
    this.remoteGroups.send(receivers.nodes, message, (outcome) => this.#answer(sender, outcome, ref));
  }

  /** Puts a frame on connections. A session that reads too slowly gets `sys.gap` in its place. */
  #deliverTo(sessions: readonly Session[], sender: SessionRef, frame: Frame, method: DeliveryMethod): GroupReceipt {
    let delivered = 0;
    for (const session of sessions)
      if (this.localDelivery[method](sender, session, frame) === undefined) delivered++;
      else this.localDelivery.miss(session);
    return { delivered, skipped: sessions.length - delivered };
  }

  #answer(sender: Session, outcome: GroupOutcome, ref: string | undefined): void {
    if (sender.closed) return;
    const failure = failureOf(outcome, ref);
    if (failure !== undefined) this.remoteGroups.refuse(sender, failure);
    else if (ref !== undefined) sender.send(userAckFrame(sender.id, ref, outcome.delivered));
  }

  /** Records the exchange before the outcome is known, because a session may have left by then. */
  #recordExchange(sender: SessionRef, { user }: Receivers): void {
    if (typeof sender !== 'string' || !isServerSender(sender))
      this.remoteGroups.recordExchange(sender, this.users.remote(user));
  }

  /** Charges a session for its receivers. Returns 0, or the milliseconds to wait where nothing was charged. */
  #waitMs(sender: Session, { user, local }: Receivers): number {
    return sender.connection?.chargeBroadcast(local.length + this.users.remoteCount(user)) ?? 0;
  }
}

type Failure = 'receiver_not_found' | 'receiver_overloaded' | 'unavailable';

/** Returns the reason why nobody would get a message, where that is known before it is sent. */
function failureAtOnce({ local, nodes }: Receivers): Failure | undefined {
  if (nodes.length > 0) return undefined;
  if (local.length === 0) return 'receiver_not_found';
  return local.every(({ outbox }) => outbox.overloaded) ? 'receiver_overloaded' : undefined;
}

/** Returns the reason why nobody got a message. */
function failureOf({ delivered, skipped, failedNodes }: GroupOutcome, ref?: string): MessageError | undefined {
  if (delivered > 0) return undefined;
  if (failedNodes > 0) return errorOf('unavailable', ref);
  return errorOf(skipped > 0 ? 'receiver_overloaded' : 'receiver_not_found', ref);
}

/** Makes the error; that of a user without a session says so, because its receiver is no id. */
function errorOf(failure: Failure, ref?: string): MessageError {
  if (failure !== 'receiver_not_found') return MessageError.of(failure, ref);
  return new MessageError(failure, 'The user has no other session.', ref);
}
