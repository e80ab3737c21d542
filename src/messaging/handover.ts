import { Inject, Injectable } from '@nestjs/common';
import { Backplane, type Refusal } from '../backplane/backplane.js';
import { ackFrame, errorFrame, Fault, type Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Log } from '../telemetry/log.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { Notices } from './notices.js';

/** Hands messages on to the nodes of their receivers, and tells the senders what became of them. */
@Injectable()
export class Handover {
  constructor(
    @Inject(Backplane) private readonly backplane: Backplane,
    @Inject(Notices) private readonly notices: Notices,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(Log) private readonly log: Log,
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
   * @throws {Fault} `receiver_not_found` or `unavailable`, where that is known at once
   */
  route(sender: Session, receiver: string, frame: Frame, id: string | undefined): void {
    const refusal = this.backplane.direct(sender.id, receiver, frame, (later) => {
      if (later !== undefined) return this.#refused(sender, later, id);
      if (sender.ended) return;
      this.notices.met(sender, receiver);
      if (id !== undefined) sender.send(ackFrame(sender.id, id, 'routed'));
    });
    if (refusal !== undefined) throw Fault.of(refusal, id);
  }

  /**
   * Hands on a message; the promise tells whether it is on its receiver's connection. Nobody need wait for it.
   *
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded` or `unavailable`
   */
  deliver(sender: Session | string, receiver: string, frame: Frame): Promise<void> {
    const from = typeof sender === 'string' ? sender : sender.id;
    const { promise, resolve } = withResolver<Refusal | undefined>();
    const refusal = this.backplane.direct(from, receiver, frame, resolve);
    if (refusal !== undefined) throw Fault.of(refusal);
    const delivered = this.#delivered(promise, sender, receiver);
    delivered.catch(() => undefined); // else a rejection that nobody waits for would end the process
    return delivered;
  }

  /** @returns `false` where some nodes are missed */
  broadcast(sender: string, frame: Frame): boolean {
    return this.backplane.broadcast(sender, frame);
  }

  async #delivered(answer: Promise<Refusal | undefined>, sender: Session | string, receiver: string): Promise<void> {
    const refusal = await answer;
    if (refusal !== undefined) throw Fault.of(refusal);
    if (typeof sender !== 'string' && !sender.ended) this.notices.met(sender, receiver);
  }

  #refused(sender: Session, refusal: Refusal, ref: string | undefined): void {
    if (sender.ended) return;
    const { code, message, details } = Fault.of(refusal, ref);
    this.telemetry.count(this.telemetry.refused, code);
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
