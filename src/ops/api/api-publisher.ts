import { Injectable } from '@nestjs/common';
import { NodeState } from '../../node/node-state.js';
import { Broadcaster, localOnly } from '../../messaging/broadcaster.js';
import { MessageRouter } from '../../messaging/message-router.js';
import {
  decode,
  EVERYONE,
  MessageError,
  isReserved,
  SERVER,
  SERVER_SENDER,
  stampedFrame,
} from '../../protocol/index.js';
import type { PostedResult } from './api.dto.js';

/** Publishes messages of other back ends, with the server as their sender. */
@Injectable()
export class ApiPublisher {
  constructor(
    private readonly router: MessageRouter,
    private readonly broadcaster: Broadcaster,
    private readonly nodeState: NodeState,
  ) {}

  /**
   * Checks one message by the rules of the protocol and sends it with `data` unchanged.
   *
   * @param text the message as JSON
   * @throws {MessageError} with any code of the protocol
   */
  async publish(text: string): Promise<PostedResult> {
    if (this.nodeState.phase === 'draining') throw MessageError.of('unavailable');
    const envelope = decode(text);
    const { sender = SERVER } = JSON.parse(text) as { sender?: unknown };
    if (typeof sender !== 'string' || !SERVER_SENDER.test(sender))
      throw new MessageError('invalid_message', 'sender must be "server" or "server/NAME"');
    const { type, receiver } = envelope;
    if (isReserved(type)) throw MessageError.of('reserved_type');
    if (receiver === undefined) throw new MessageError('invalid_message', 'receiver is missing');
    const frame = stampedFrame(sender, envelope);
    if (receiver !== EVERYONE) {
      await this.router.deliver(sender, receiver, frame);
      return { status: 'routed' };
    }
    const { skipped, complete } = this.broadcaster.broadcast(frame);
    if (!complete) throw localOnly();
    return { status: 'accepted', ...(skipped > 0 && { skipped }) };
  }
}
