import { Inject, Injectable } from '@nestjs/common';
import { EVERYONE, SERVER, textFrame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { MessageRouter } from './message-router.js';

/** What a handler may do with the server: inject it. */
@Injectable()
export class Switchboard {
  constructor(@Inject(MessageRouter) private readonly router: MessageRouter) {}

  /**
   * Sends one message in the name of a session or of the server, and waits for nothing: where the receiver is on another
   * node, it may still be refused there.
   *
   * @param data any JSON value; `undefined` leaves it out
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded`, `unavailable`
   */
  send(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): void {
    void this.#send(sender, receiver, type, data);
  }

  /**
   * Sends one message and resolves when it is on its receiver's connection, on whatever node.
   *
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded`, `unavailable`
   */
  async deliver(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): Promise<void> {
    await this.#send(sender, receiver, type, data);
  }

  #send(sender: Session | typeof SERVER, receiver: string, type: string, data: unknown): Promise<void> | undefined {
    if (sender !== SERVER && sender.ended) return undefined;
    const id = sender === SERVER ? SERVER : sender.id;
    const frame = textFrame(JSON.stringify({ type, sender: id, receiver, data }));
    if (receiver !== EVERYONE) return this.router.deliver(sender, receiver, frame);
    this.router.broadcast(frame, sender === SERVER ? undefined : sender);
    return undefined;
  }
}
