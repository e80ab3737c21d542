import { Inject, Injectable } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { MessageRouter } from '../messaging/message-router.js';
import { decode, EVERYONE, Fault, isReserved, SERVER, stampedFrame } from '../protocol/index.js';
import type { PostedAnswer } from './api.dto.js';

const SENDER = /^server(\/[A-Za-z0-9._-]{1,64})?$/;

/** Sends what another back end says, in the name of the server. */
@Injectable()
export class ServerMessages {
  constructor(
    @Inject(MessageRouter) private readonly router: MessageRouter,
    @Inject(Lifecycle) private readonly lifecycle: Lifecycle,
  ) {}

  /**
   * Sends one message by the rules of the protocol; its data is carried as it is written.
   *
   * @throws {Fault} with the code of what is wrong
   */
  async post(text: string): Promise<PostedAnswer> {
    if (this.lifecycle.phase === 'draining') throw Fault.of('unavailable');
    const envelope = decode(text);
    const { sender = SERVER } = JSON.parse(text) as { sender?: unknown };
    if (typeof sender !== 'string' || !SENDER.test(sender))
      throw new Fault('invalid_message', 'sender must be "server" or "server/NAME"');
    const { type, receiver } = envelope;
    if (isReserved(type)) throw Fault.of('reserved_type');
    if (receiver === undefined) throw new Fault('invalid_message', 'receiver is missing');
    const frame = stampedFrame(sender, envelope);
    if (receiver !== EVERYONE) {
      await this.router.deliver(sender, receiver, frame);
      return { status: 'routed' };
    }
    const skipped = this.router.broadcast(frame);
    return { status: 'accepted', ...(skipped > 0 && { skipped }) };
  }
}
