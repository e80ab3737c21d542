import { Inject, Injectable } from '@nestjs/common';
import { DEFAULT_PAGE, MAX_PAGE } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import type { SessionsPage, SessionView } from './api.dto.js';
import { Problem } from './problem.js';
import { trafficOf } from './session-record.js';

/** The sessions of this node as an operator sees them. */
@Injectable()
export class SessionViews {
  constructor(@Inject(SessionRegistry) private readonly sessions: SessionRegistry) {}

  /** @throws {Problem} 400 for a limit that is none */
  page(after: unknown, limit: unknown): SessionsPage {
    const size = limit === undefined ? DEFAULT_PAGE : Number(limit);
    if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE)
      throw new Problem(400, 'invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE}.`);
    if (after !== undefined && typeof after !== 'string')
      throw new Problem(400, 'invalid_query', 'after must come once.');
    const { sessions, ...rest } = this.sessions.page(after, size);
    const found = sessions.map((entry) => this.sessions.find(typeof entry === 'string' ? entry : entry.id));
    return { sessions: found.filter((session) => session !== undefined).map(view), ...rest };
  }

  one(id: string): SessionView {
    return view(this.#find(id));
  }

  /** Closes a session with 4000. */
  kick(id: string): void {
    this.#find(id).close(4000);
  }

  #find(id: string): Session {
    const session = this.sessions.find(id);
    if (session === undefined) throw new Problem(404, 'session_not_found', 'No session has this id.');
    return session;
  }
}

function view(session: Session): SessionView {
  const { id, address, user } = session;
  return {
    id,
    since: new Date(session.openedAtMs).toISOString(),
    ...(address !== '' && { address }),
    ...(user !== undefined && { user }),
    ...trafficOf(session),
    bytesWaiting: session.outbox.waitingBytes,
  };
}
