import { Injectable } from '@nestjs/common';
import { NodeState } from '../../node/node-state.js';
import { Broadcaster, localOnly } from '../../messaging/broadcaster.js';
import { GroupRoutes } from '../../messaging/group-routes.js';
import { MessageRouter } from '../../messaging/message-router.js';
import {
  decode,
  EVERYONE,
  isGroup,
  isReserved,
  MessageError,
  SERVER,
  SERVER_SENDER,
  stampedFrame,
  USER_PREFIX,
  type Frame,
} from '../../protocol/index.js';
import type { PostedResult } from './api.dto.js';

/** Publishes messages of other back ends, with the server as their sender. */
@Injectable()
export class ApiPublisher {
  constructor(
    private readonly router: MessageRouter,
    private readonly broadcaster: Broadcaster,
    private readonly groupRoutes: GroupRoutes,
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
    if (receiver === EVERYONE) return this.#broadcast(frame);
    if (isGroup(receiver)) return this.#toGroup(sender, receiver, frame);
    return { status: await this.router.deliver(sender, receiver, frame) };
  }

  #broadcast(frame: Frame): PostedResult {
    const { skipped, complete } = this.broadcaster.broadcast(frame);
    if (!complete) throw localOnly();
    return { status: 'accepted', ...skippedOf(skipped) };
  }

  /**
   * Resolves when the message is on the connections of the user, or of the members of the room, on all nodes, and kept for
   * those that are away.
   */
  async #toGroup(sender: string, receiver: string, frame: Frame): Promise<PostedResult> {
    const { delivered, skipped, held = 0 } = await this.groupRoutes.router.deliver(sender, receiver, frame);
    if (!receiver.startsWith(USER_PREFIX)) return { status: 'accepted', ...skippedOf(skipped) };
    const status = delivered === 0 && held > 0 ? 'held' : 'routed';
    return { status, sessions: delivered, ...(held > 0 && { held }), ...skippedOf(skipped) };
  }
}

/** Leaves a number of 0 out. */
function skippedOf(skipped: number): { skipped?: number } {
  return skipped > 0 ? { skipped } : {};
}
