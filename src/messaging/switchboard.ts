import { Inject, Injectable } from '@nestjs/common';
import { EVERYONE, SERVER, textFrame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { MessageRouter } from './message-router.js';
import { Notices } from './notices.js';

/** What a handler may do with the server: inject it. */
@Injectable()
export class Switchboard {
  constructor(
    @Inject(MessageRouter) private readonly router: MessageRouter,
    @Inject(Notices) private readonly notices: Notices,
  ) {}

  /**
   * Sends one message in the name of a session or of the server.
   *
   * @param data any JSON value; `undefined` leaves it out
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded`
   */
  send(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): void {
    if (sender !== SERVER && sender.ended) return;
    const id = sender === SERVER ? SERVER : sender.id;
    const frame = textFrame(JSON.stringify({ type, sender: id, receiver, data }));
    if (receiver === EVERYONE) this.router.broadcast(frame, sender === SERVER ? undefined : sender);
    else {
      const target = this.router.deliver(receiver, frame, undefined);
      if (sender !== SERVER) this.notices.met(sender, target);
    }
  }
}
