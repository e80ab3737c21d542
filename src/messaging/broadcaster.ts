import { Injectable } from '@nestjs/common';
import { MessageError, type Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { BroadcastLimit } from './broadcast-limit.js';
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

/** Sends one frame to every session on all nodes but its sender. */
@Injectable()
export class Broadcaster {
  constructor(
    private readonly localDelivery: LocalDelivery,
    private readonly remoteDelivery: RemoteDelivery,
    private readonly limit: BroadcastLimit,
    private readonly counters: Counters,
  ) {}

  /**
   * Charges a session for a broadcast of so many bytes, which the caller then passes to {@link broadcast} in the same turn.
   * That broadcast is complete. Returns `false`, and charges nothing, where {@link broadcastFor} throws.
   */
  tryCharge(sender: Session, bytes: number): boolean {
    return this.remoteDelivery.canBroadcast(bytes) && this.limit.tryCharge(sender);
  }

  /**
   * Broadcasts the frame of a session, and returns the number of skipped local sessions.
   *
   * @param ref the message's `id`
   * @throws {MessageError} `forbidden` or `rate_limited`, before anything is sent; `unavailable` after the local sessions
   *   received the frame
   */
  broadcastFor(sender: Session, frame: Frame, ref: string | undefined): number {
    this.limit.charge(sender, ref);
    const { skipped, complete } = this.broadcast(frame, sender);
    if (!complete) throw localOnly(ref);
    return skipped;
  }

  /** Broadcasts without a limit, for handlers and the HTTP API. @param except the sender */
  broadcast(frame: Frame, except?: Session): BroadcastResult {
    const complete = this.remoteDelivery.broadcast(frame, except);
    const skipped = this.localDelivery.fanOut(frame, except);
    this.counters.broadcasts++;
    return { skipped, complete };
  }
}

/** Makes the error of a broadcast that is not complete. */
export function localOnly(ref?: string): MessageError {
  return new MessageError('unavailable', LOCAL_ONLY, ref);
}
