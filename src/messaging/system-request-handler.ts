import { Injectable } from '@nestjs/common';
import { validateSync } from 'class-validator';
import {
  DEFAULT_PAGE,
  MessageError,
  pongFrame,
  sessionsFrame,
  WhoDto,
  type ServerRequest,
  type SessionEntry,
} from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { SessionDirectory } from './session-directory.js';

/** Answers a system request. The promise rejects, or the call throws, with the `MessageError` to reply with. */
export type SystemRequestCallback = (session: Session, request: ServerRequest) => Promise<void> | undefined;

/** Answers the system requests of clients: `sys.ping`, `sys.who` and the registered ones. */
@Injectable()
export class SystemRequestHandler {
  readonly #callbacks = new Map<string, SystemRequestCallback>();

  constructor(
    private readonly sessionDirectory: SessionDirectory,
    private readonly settings: Settings,
  ) {}

  /** Registers a request that another room answers. */
  register(type: `sys.${string}`, callback: SystemRequestCallback): void {
    this.#callbacks.set(type, callback);
  }

  /** @throws {MessageError} `reserved_type` for any other type, `invalid_message` for an invalid body */
  answer(session: Session, request: ServerRequest): Promise<void> | undefined {
    if (request.type === 'sys.ping') session.send(pongFrame(session.id, request.id, request.data));
    else if (request.type === 'sys.who') this.#who(session, request);
    else {
      const callback = this.#callbacks.get(request.type);
      if (callback === undefined) throw MessageError.of('reserved_type', request.id);
      return callback(session, request);
    }
    return undefined;
  }

  #who(session: Session, { id, data }: ServerRequest): void {
    if (!this.settings.who) throw MessageError.of('forbidden', id);
    const { after, limit = DEFAULT_PAGE } = whoQuery(data, id);
    const { sessions, ...rest } = this.sessionDirectory.page(after, limit);
    const shown = this.settings.showUsers ? sessions.map((each) => this.#entry(each)) : sessions;
    const page = sessionsFrame(session.id, id, { sessions: shown, ...rest });
    session.send(page);
    session.connection?.chargeAnswer(page.length);
  }

  /** Adds the user to an id, where the session has one. */
  #entry(id: string): SessionEntry {
    const user = this.sessionDirectory.userOf(id);
    return user === undefined ? { id } : { id, user };
  }
}

function whoQuery(data: string | undefined, ref: string | undefined): WhoDto {
  // Most requests have no data. Skip validation, because thousands of them must not delay other sessions.
  if (data === undefined) return {};
  const body: unknown = JSON.parse(data);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new MessageError('invalid_message', 'data must be an object', ref);
  // Destructured and not assigned, because a key such as `__proto__` would change what is checked.
  const { after, limit, ...others } = body as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new MessageError('invalid_message', `data.${unknown.slice(0, 64)} is not known`, ref);
  const query = Object.assign(new WhoDto(), { after, limit });
  const [error] = validateSync(query, { stopAtFirstError: true });
  if (error === undefined)
    return { ...(query.after != null && { after: query.after }), ...(query.limit != null && { limit: query.limit }) };
  const problem = Object.values(error.constraints ?? {})[0];
  throw new MessageError('invalid_message', problem ?? 'data is wrong', ref);
}
