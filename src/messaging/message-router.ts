import { Injectable } from '@nestjs/common';
import { ackFrame, EVERYONE, MessageError, type Frame } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { LocalDelivery } from './local-delivery.js';
import { RemoteDelivery } from './remote-delivery.js';

const LOCAL_ONLY = 'Only the sessions of this node received the message; other nodes cannot be reached now.';

/** The result of a broadcast. */
export interface BroadcastResult {
  /** Local sessions that were skipped because they read too slowly. */
  readonly skipped: number;
  /** Whether the broadcast was queued for all other nodes too. */
  readonly complete: boolean;
}

/** Routes encoded messages to one session or to all, on whatever node, and acknowledges them to their senders. */
@Injectable()
export class MessageRouter {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly localDelivery: LocalDelivery,
    private readonly remoteDelivery: RemoteDelivery,
    private readonly counters: Counters,
  ) {}

  /**
   * Routes the message of a session.
   *
   * @param id the sender's own reference, to be acknowledged
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded` or `unavailable`, where that is known at once
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): void {
    if (receiver === EVERYONE) return this.#routeToAll(sender, frame, id);
    const target = this.sessions.find(receiver);
    if (target === undefined) {
      const result = this.remoteDelivery.route(sender, receiver, frame, id);
      if (result !== 'queued') throw MessageError.of(result, id);
      return;
    }
    const failure = this.localDelivery.deliver(sender, target, frame);
    if (failure !== undefined) throw MessageError.of(failure, id);
    if (id !== undefined) sender.send(ackFrame(sender.id, id, 'routed'));
  }

  /**
   * Puts a message on its receiver's connection. Returns a promise of the outcome where the receiver is remote.
   *
   * @param sender a session, or a name of the server
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded` or `unavailable`, where that is known at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<void> | undefined {
    const target = this.sessions.find(receiver);
    if (target === undefined) return this.remoteDelivery.deliver(sender, receiver, frame);
    const failure = this.localDelivery.deliver(sender, target, frame);
    if (failure !== undefined) throw MessageError.of(failure);
    return undefined;
  }

  /** Sends the same bytes to every session on all nodes but `except`, which is their sender. */
  broadcast(frame: Frame, except?: Session): BroadcastResult {
    const complete = this.remoteDelivery.broadcast(frame, except);
    const skipped = this.localDelivery.fanOut(frame, except);
    this.counters.broadcasts++;
    return { skipped, complete };
  }

  #routeToAll(sender: Session, frame: Frame, id: string | undefined): void {
    const { skipped, complete } = this.broadcast(frame, sender);
    if (!complete) throw localOnly(id);
    if (id !== undefined) sender.send(ackFrame(sender.id, id, 'accepted', skipped));
  }
}

/** Makes the error of a broadcast that is not complete. */
export function localOnly(ref?: string): MessageError {
  return new MessageError('unavailable', LOCAL_ONLY, ref);
}
