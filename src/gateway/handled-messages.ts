import { Inject, Injectable } from '@nestjs/common';
import type { Envelope } from '../protocol/index.js';
import { Settings } from '../settings/settings.js';
import { Deadlines } from './deadlines.js';
import type { GatewaySocket } from './gateway-socket.js';
import { HandlerQueue } from './handler-queue.js';
import { HandlerReplies } from './handler-replies.js';
import { HandlerTable } from './handler-table.js';

/** Passes what a handler claims to the queue of its session, which is made with the first such message. */
@Injectable()
export class HandledMessages {
  readonly #deadlines: Deadlines;

  constructor(
    @Inject(HandlerTable) private readonly table: HandlerTable,
    @Inject(HandlerReplies) private readonly replies: HandlerReplies,
    @Inject(Settings) settings: Settings,
  ) {
    this.#deadlines = new Deadlines(settings.handlerTimeoutMs);
  }

  /** Takes a message whose type a handler claims; returns whether one does. @throws {Fault} `rate_limited` */
  take(socket: GatewaySocket, envelope: Envelope): boolean {
    const place = this.table.place(envelope.type);
    if (place === undefined) return false;
    socket.queue ??= new HandlerQueue(socket, this.replies, this.#deadlines);
    socket.queue.add(envelope, socket.handlers[place]!);
    return true;
  }
}
