import { Injectable } from '@nestjs/common';
import { Backplane, type DeliveryFailure } from '../cluster/backplane.js';
import { ackFrame, errorFrame, MessageError, type Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Log } from '../telemetry/log.js';
import { Counters } from '../telemetry/counters.js';
import { NoticeLog } from './notice-log.js';

/** Hands messages on to the nodes of their receivers, and tells the senders what became of them. */
@Injectable()
export class RemoteDelivery {
  constructor(
    private readonly backplane: Backplane,
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /** Whether a message of so many bytes to a session that is not here would be handed on. */
  reaches(receiver: string, bytes: number): boolean {
    return this.backplane.reaches(receiver, bytes);
  }

  /** Whether a broadcast of so many bytes would be handed on to all other nodes. */
  reachesAll(bytes: number): boolean {
    return this.backplane.reachesAll(bytes);
  }

  /**
   * Hands on a session's message; its answer comes later.
   *
   * @param id the sender's own reference, to be acknowledged
   * @throws {MessageError} `receiver_not_found` or `unavailable`, where that is known at once
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): void {
    const refusal = this.backplane.deliver(sender.id, receiver, frame, (later) => {
      if (later !== undefined) return this.#refused(sender, later, id);
      if (sender.closed) return;
      this.noticeLog.recordExchange(sender, receiver);
      if (id !== undefined) sender.send(ackFrame(sender.id, id, 'routed'));
    });
    if (refusal !== undefined) throw MessageError.of(refusal, id);
  }

  /**
   * Hands on a message; the promise tells whether it is on its receiver's connection. Nobody need wait for it.
   *
   * @throws {MessageError} `receiver_not_found`, `receiver_overloaded` or `unavailable`
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<void> {
    const from = typeof sender === 'string' ? sender : sender.id;
    const { promise, resolve } = withResolver<DeliveryFailure | undefined>();
    const refusal = this.backplane.deliver(from, receiver, frame, resolve);
    if (refusal !== undefined) throw MessageError.of(refusal);
    const delivered = this.#delivered(promise, sender, receiver);
    delivered.catch(() => undefined); // else a rejection that nobody waits for would end the process
    return delivered;
  }

  /** @returns `false` where some nodes are missed */
  broadcast(sender: string, frame: Frame): boolean {
    return this.backplane.broadcast(sender, frame);
  }

  async #delivered(
    answer: Promise<DeliveryFailure | undefined>,
    sender: Session | string,
    receiver: string,
  ): Promise<void> {
    const refusal = await answer;
    if (refusal !== undefined) throw MessageError.of(refusal);
    if (typeof sender !== 'string' && !sender.closed) this.noticeLog.recordExchange(sender, receiver);
  }

  #refused(sender: Session, failure: DeliveryFailure, ref: string | undefined): void {
    if (sender.closed) return;
    const { code, message, details } = MessageError.of(failure, ref);
    this.counters.count(this.counters.refused, code);
    this.log.info('message refused', { code, session: sender.id, address: sender.address });
    sender.send(errorFrame(sender.id, code, message, ref, details));
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolver) => {
    resolve = resolver;
  });
  return { promise, resolve };
}
