import { Injectable } from '@nestjs/common';
import type { Envelope } from '../../protocol/index.js';
import { Settings } from '../../settings/settings.js';
import { HandlerTimeouts } from './handler-timeouts.js';
import type { GatewaySocket } from '../gateway-socket.js';
import { HandlerQueue } from './handler-queue.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';

/** Passes what a handler claims to the queue of its session, which is made with the first such message. */
@Injectable()
export class HandledMessages {
  readonly #handlerTimeouts: HandlerTimeouts;

  constructor(
    private readonly table: HandlerTable,
    private readonly replies: HandlerReplies,
    settings: Settings,
  ) {
    this.#handlerTimeouts = new HandlerTimeouts(settings.handlerTimeoutMs);
  }

  /** Takes a message whose type a handler claims; returns whether one does. @throws {Fault} `rate_limited` */
  take(socket: GatewaySocket, envelope: Envelope): boolean {
    const place = this.table.index(envelope.type);
    if (place === undefined) return false;
    socket.queue ??= new HandlerQueue(socket, this.replies, this.#handlerTimeouts);
    socket.queue.add(envelope, socket.handlers[place]!);
    return true;
  }
}
