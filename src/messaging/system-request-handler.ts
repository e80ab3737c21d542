import { Injectable } from '@nestjs/common';
import { validateSync } from 'class-validator';
import {
  DEFAULT_PAGE,
  MessageError,
  pongFrame,
  sessionsFrame,
  WhoDto,
  type Envelope,
  type SessionEntry,
} from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { SessionDirectory } from './session-directory.js';

/** Answers a system request. The promise rejects, or the call throws, with the `MessageError` to reply with. */
export type SystemRequestCallback = (session: Session, envelope: Envelope) => Promise<void> | undefined;

/** Answers the `sys.` requests of clients. */
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
  answer(session: Session, envelope: Envelope): Promise<void> | undefined {
    if (envelope.type === 'sys.ping') session.send(pongFrame(session.id, envelope.id, envelope.data));
    else if (envelope.type === 'sys.who') this.#who(session, envelope);
    else {
      const callback = this.#callbacks.get(envelope.type);
      if (callback === undefined) throw MessageError.of('reserved_type', envelope.id);
      return callback(session, envelope);
    }
    return undefined;
  }

  #who(session: Session, { id, data }: Envelope): void {
    if (!this.settings.who) throw MessageError.of('forbidden', id);
    const { after, limit = DEFAULT_PAGE } = whoQuery(data, id);
    const { sessions, ...rest } = this.sessionDirectory.page(after, limit);
    const shown = this.settings.showUsers ? sessions.map((each) => this.#entry(each)) : sessions;
    const page = sessionsFrame(session.id, id, { sessions: shown, ...rest });
    session.send(page);
    session.connection?.chargeAnswer(page.length);
  }

  /** An id with its user, where it has one. */
  #entry(entry: SessionEntry): SessionEntry {
    const id = typeof entry === 'string' ? entry : entry.id;
    const user = this.sessionDirectory.userOf(id);
    return user === undefined ? { id } : { id, user };
  }
}

function whoQuery(data: string | undefined, ref: string | undefined): WhoDto {
  // As most ask: there is nothing to check, and whoever asks a thousand times must not hold up others for it.
  if (data === undefined) return {};
  const body: unknown = JSON.parse(data);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new MessageError('invalid_message', 'data must be an object', ref);
  // Picked out and not assigned: a key such as `__proto__` would change what is checked.
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
