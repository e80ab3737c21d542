import { Injectable } from '@nestjs/common';
import {
  checkClose,
  DEFAULT_PAGE,
  EVERYONE,
  isReserved,
  MAX_PAGE,
  SERVER,
  textFrame,
  type Frame,
  type ServerCloseCode,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { MessageRouter } from './message-router.js';

const TYPE = /^[A-Za-z0-9._:-]{1,64}$/;

/** Some of the sessions, in the order of their ids. */
export interface ListedSessions {
  readonly sessions: readonly Session[];
  /** Sessions in all. */
  readonly total: number;
  /** What to ask for as `after` to get the next page; absent on the last one. */
  readonly next?: string;
}

/** What a handler may do with the server: inject it. */
@Injectable()
export class Switchboard {
  constructor(
    private readonly router: MessageRouter,
    private readonly sessions: SessionRegistry,
  ) {}

  /**
   * Sends one message in the name of a session or of the server, and waits for nothing: where the receiver is on another
   * node, it may still be refused there.
   *
   * @param receiver a session's id, or `"*"`: everyone but the sender
   * @param data any JSON value; `undefined` leaves it out
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded`, `unavailable`
   */
  send(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): void {
    if (receiver === EVERYONE) this.broadcast(sender, type, data);
    else void this.#send(sender, receiver, type, data);
  }

  /**
   * Sends one message and resolves when it is on its receiver's connection, on whatever node.
   *
   * @throws {Fault} `receiver_not_found`, `receiver_overloaded`, `unavailable`
   */
  async deliver(sender: Session | typeof SERVER, receiver: string, type: string, data?: unknown): Promise<void> {
    if (receiver === EVERYONE) this.broadcast(sender, type, data);
    else await this.#send(sender, receiver, type, data);
  }

  /**
   * Sends one message to everyone but the sender; returns how many were passed over because they read too slowly.
   *
   * @param data any JSON value; `undefined` leaves it out
   */
  broadcast(sender: Session | typeof SERVER, type: string, data?: unknown): number {
    if (sender === SERVER) return this.router.broadcast(encode(SERVER, EVERYONE, type, data));
    return sender.closed ? 0 : this.router.broadcast(encode(sender.id, EVERYONE, type, data), sender);
  }

  /** Returns the session that has this id, `undefined` once it has left. */
  find(id: string): Session | undefined {
    return this.sessions.find(id);
  }

  /**
   * Lists one page of the sessions.
   *
   * @param page `after`: the last page's `next`; `limit`: at most 1,000, or 100
   */
  list({ after, limit = DEFAULT_PAGE }: { readonly after?: string; readonly limit?: number } = {}): ListedSessions {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
      throw new RangeError(`limit must be a whole number from 1 to ${MAX_PAGE}`);
    const { sessions, ...rest } = this.sessions.page(after, limit);
    const found = sessions.map((entry) => this.sessions.find(typeof entry === 'string' ? entry : entry.id));
    return { sessions: found.filter((session) => session !== undefined), ...rest };
  }

  /**
   * Closes a session after all that it was sent; returns whether there was one.
   *
   * @param code one of the protocol's close codes; 4000 `kicked` tells it not to come again
   * @throws {RangeError} for a code that no close frame may have; the session stays open
   */
  close(id: string, code: ServerCloseCode = 4000): boolean {
    checkClose(code);
    const session = this.sessions.find(id);
    session?.close(code);
    return session !== undefined;
  }

  #send(sender: Session | typeof SERVER, receiver: string, type: string, data: unknown): Promise<void> | undefined {
    if (sender === SERVER) return this.router.deliver(SERVER, receiver, encode(SERVER, receiver, type, data));
    return sender.closed ? undefined : this.router.deliver(sender, receiver, encode(sender.id, receiver, type, data));
  }
}

function encode(sender: string, receiver: string, type: string, data: unknown): Frame {
  if (!TYPE.test(type) || isReserved(type))
    throw new Error(`a handler sent "${type}", which no application message may have as its type`);
  return textFrame(JSON.stringify({ type, sender, receiver, data }));
}
