import { Injectable } from '@nestjs/common';
import {
  ackFrame,
  EVERYONE,
  isGroup,
  MessageError,
  stampedFrame,
  type Envelope,
  type Frame,
} from '../protocol/index.js';
import type { DeliveryOutcome } from '../cluster/backplane.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { checkGroup } from './group-routes.js';
import { LocalDelivery } from './local-delivery.js';
import { MessageAccess } from './message-access.js';
import { Recipients } from './recipients.js';
import { RemoteDelivery, type DeliveryStatus } from './remote-delivery.js';

/** Routes encoded messages to their receivers, on whatever node, and acknowledges them to their senders. */
@Injectable()
export class MessageRouter {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly localDelivery: LocalDelivery,
    private readonly remoteDelivery: RemoteDelivery,
    private readonly recipients: Recipients,
    private readonly access: MessageAccess,
  ) {}

  /**
   * Routes the message of a client that no handler claims, where {@link MessageAccess} allows the message.
   *
   * @throws {MessageError} `invalid_message` for a receiver that begins with `@` or `#` and cannot be a user or a room;
   *   `reserved_type`, `unknown_type` or `forbidden`; then `receiver_not_found`, `receiver_overloaded` or `unavailable`,
   *   where that is known at once; for several receivers `rate_limited`; for a room `not_joined`
   * @throws what the application's `AccessPolicy` throws
   */
  route(sender: Session, envelope: Envelope): void {
    const { id } = envelope;
    const isToGroup = envelope.receiver !== undefined && isGroup(envelope.receiver);
    if (isToGroup) checkGroup(envelope.receiver, id);
    const receiver = this.access.check(sender, envelope);
    if (sender.closed) return; // the policy may close the session
    if (isToGroup || receiver === EVERYONE) return this.recipients.route(sender, envelope, receiver);
    const frame = stampedFrame(sender.id, envelope);
    const target = this.sessions.find(receiver);
    if (target === undefined) {
      const result = this.remoteDelivery.route(sender, receiver, frame, id);
      if (result !== 'queued') throw MessageError.of(result, id);
      return;
    }
    const status = statusOf(this.localDelivery.deliver(sender, target, frame), id);
    if (id !== undefined) sender.send(ackFrame(sender.id, id, status));
  }

  /**
   * Puts a message on the connection of a single receiver, or keeps it for one that is away.
   *
   * @param sender a session, or a name of the server
   * @returns `routed` or `held`; a promise of it where the receiver is remote
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded` or `unavailable`, where that is known at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<DeliveryStatus> | DeliveryStatus {
    const target = this.sessions.find(receiver);
    if (target === undefined) return this.remoteDelivery.deliver(sender, receiver, frame);
    return statusOf(this.localDelivery.deliver(sender, target, frame));
  }
}

/** Returns the status of a message that had its effect. @throws {MessageError} for a failure */
function statusOf(outcome: DeliveryOutcome, ref?: string): DeliveryStatus {
  if (outcome === undefined || outcome === 'held') return outcome ?? 'routed';
  throw MessageError.of(outcome, ref);
}
