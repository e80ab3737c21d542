import { Injectable } from '@nestjs/common';
import {
  DEFAULT_PAGE,
  isGroup,
  MessageError,
  pongFrame,
  sessionsFrame,
  type ServerRequest,
} from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { SessionDirectory } from './session-directory.js';
import { whoQuery } from './who-query.js';

/**
 * Answers a system request. The promise resolves in the step in which the answer is sent, and where none is sent. It
 * rejects, or the call throws, with the `MessageError` to reply with.
 */
export type SystemRequestCallback = (session: Session, request: ServerRequest) => Promise<void> | undefined;

/** Answers the system requests of clients: `sys.ping`, `sys.who` and the registered ones. */
@Injectable()
export class SystemRequestHandler {
  readonly #callbacks = new Map<string, SystemRequestCallback>();

  constructor(
    private readonly sessionDirectory: SessionDirectory,
    private readonly settings: Settings,
  ) {}

  /** Registers a request that another room answers; for `sys.who` those with a user or a room as the receiver. */
  register(type: `sys.${string}`, callback: SystemRequestCallback): void {
    this.#callbacks.set(type, callback);
  }

  /** @throws {MessageError} `reserved_type` for any other type, `invalid_message` for an invalid body */
  answer(session: Session, request: ServerRequest): Promise<void> | undefined {
    const { type, id, receiver, data } = request;
    if (type === 'sys.ping') session.send(pongFrame(session.id, id, data));
    else if (type === 'sys.who' && (receiver === undefined || !isGroup(receiver))) this.#who(session, request);
    else {
      const callback = this.#callbacks.get(type);
      if (callback === undefined) throw MessageError.of('reserved_type', id);
      return callback(session, request);
    }
    return undefined;
  }

  #who(session: Session, { id, data }: ServerRequest): void {
    if (!this.settings.who) throw MessageError.of('forbidden', id);
    const { after, limit = DEFAULT_PAGE } = whoQuery(data, id);
    const { sessions, ...rest } = this.sessionDirectory.page(after, limit);
    const entries = this.sessionDirectory.entries(sessions, this.settings);
    const page = sessionsFrame(session.id, id, { sessions: entries, ...rest });
    session.send(page);
    session.rateLimiter?.chargeAnswer(page.length);
  }
}
