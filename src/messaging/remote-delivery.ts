import { Injectable } from '@nestjs/common';
import { Backplane, type DeliveryCallback, type DeliveryFailure } from '../cluster/backplane.js';
import { ackFrame, errorFrame, MessageError, SERVER, type Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import { Log } from '../telemetry/log.js';
import { NoticeLog } from './notice-log.js';

/** How a message had its effect: it is on the connection of its receiver, or kept because the receiver is away. */
export type DeliveryStatus = 'routed' | 'held';

/** Sends messages to the nodes of their receivers, and answers the senders with the outcome. */
@Injectable()
export class RemoteDelivery {
  constructor(
    private readonly backplane: Backplane,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /**
   * Queues the message of a session. The sender is answered later where the result is `queued`, and not at all
   * otherwise.
   *
   * @param id the sender's own reference, to be acknowledged
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): 'queued' | DeliveryFailure {
    return this.backplane.deliver(sender.id, receiver, frame, (outcome) => {
      if (sender.closed) return;
      if (outcome !== undefined && outcome !== 'held') return this.refuse(sender, MessageError.of(outcome, id));
      this.noticeLog.recordExchange(sender, receiver);
      if (id !== undefined) sender.send(ackFrame(sender.id, id, outcome ?? 'routed'));
    });
  }

  /**
   * Queues a message. Resolves when it is on its receiver's connection or kept there; the caller may ignore the promise.
   *
   * @param sender a session, or a name of the server
   * @throws {MessageError} `receiver_not_found` or `unavailable`, where that is known at once
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<DeliveryStatus> {
    const { promise, callback } = pendingStatus();
    const result = this.backplane.deliver(typeof sender === 'string' ? sender : sender.id, receiver, frame, callback);
    if (result !== 'queued') throw MessageError.of(result);
    const delivered = this.#recordDelivered(promise, sender, receiver);
    delivered.catch(() => undefined); // An unhandled rejection would end the process.
    return delivered;
  }

  /** Whether {@link broadcast} would now queue a frame of so many bytes, or needs not to. */
  canBroadcast(bytes: number): boolean {
    return this.backplane.canBroadcast(bytes);
  }

  /** Queues a broadcast for all other nodes. @returns `false`, and queues nothing, where they cannot be reached */
  broadcast(frame: Frame, sender: Session | undefined): boolean {
    return this.backplane.broadcast(sender === undefined ? SERVER : sender.id, frame);
  }

  /** Answers a message of a session with an error that is known only after the message was sent. */
  refuse(sender: Session, { code, message, ref, details }: MessageError): void {
    this.counters.count(this.counters.refused, code);
    this.log.info('message refused', { code, session: sender.id, address: sender.address });
    sender.send(errorFrame(sender.id, code, message, ref, details));
  }

  async #recordDelivered(
    promise: Promise<DeliveryStatus>,
    sender: Session | string,
    receiver: string,
  ): Promise<DeliveryStatus> {
    const status = await promise;
    if (typeof sender !== 'string' && !sender.closed) this.noticeLog.recordExchange(sender, receiver);
    return status;
  }
}

/** Makes a promise and the callback that settles it. */
function pendingStatus(): { promise: Promise<DeliveryStatus>; callback: DeliveryCallback } {
  let callback: DeliveryCallback = () => undefined;
  const promise = new Promise<DeliveryStatus>((resolve, reject) => {
    callback = (outcome) => {
      if (outcome === undefined || outcome === 'held') resolve(outcome ?? 'routed');
      else reject(MessageError.of(outcome));
    };
  });
  return { promise, callback };
}
