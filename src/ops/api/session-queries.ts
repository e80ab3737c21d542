import { Injectable } from '@nestjs/common';
import { Backplane } from '../../cluster/backplane.js';
import { SessionDirectory } from '../../messaging/session-directory.js';
import { DEFAULT_PAGE, MessageError, MAX_PAGE } from '../../protocol/index.js';
import { sessionDetails } from '../../sessions/session-details.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import type { SessionsPage, SessionView } from './api.dto.js';
import { Problem } from './problem.filter.js';

/** Lists, describes and closes the sessions of all nodes. */
@Injectable()
export class SessionQueries {
  constructor(
    private readonly sessions: SessionRegistry,
    private readonly sessionDirectory: SessionDirectory,
    private readonly backplane: Backplane,
  ) {}

  /** @throws {Problem} 400 for an invalid `limit` */
  async page(after: string | undefined, limit = String(DEFAULT_PAGE)): Promise<SessionsPage> {
    const size = /^\d{1,9}$/.test(limit) ? Number(limit) : 0;
    if (size < 1 || size > MAX_PAGE)
      throw new Problem(400, 'invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE}.`);
    const { sessions: ids, ...rest } = this.sessionDirectory.page(after, size);
    const remoteViews = await this.#remoteViews(ids.filter((id) => this.sessions.find(id) === undefined));
    return { sessions: ids.map((id) => this.#localView(id) ?? remoteViews.get(id) ?? { id }), ...rest };
  }

  /**
   * @throws {Problem} 404 where no session has this id
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async get(id: string): Promise<SessionView> {
    const view = this.#localView(id) ?? (await this.#remoteViews([id])).get(id);
    if (view !== undefined) return view;
    if (this.sessionDirectory.has(id)) throw MessageError.of('unavailable');
    throw notFound();
  }

  /**
   * Closes a session with 4000.
   *
   * @throws {Problem} 404 where no session has this id
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async kick(id: string): Promise<void> {
    const session = this.sessions.find(id);
    if (session !== undefined) return session.close(4000);
    const failure = await this.backplane.kick(id);
    if (failure === 'receiver_not_found') throw notFound();
    if (failure !== undefined) throw MessageError.of(failure);
  }

  #localView(id: string): SessionView | undefined {
    const session = this.sessions.find(id);
    return session === undefined ? undefined : sessionDetails(session);
  }

  async #remoteViews(ids: readonly string[]): Promise<ReadonlyMap<string, SessionView>> {
    if (ids.length === 0) return new Map();
    const views = (await this.backplane.sessionDetails(ids)) as readonly object[] as readonly SessionView[];
    return new Map(views.map((view) => [view.id, view]));
  }
}

function notFound(): Problem {
  return new Problem(404, 'session_not_found', 'No session has this id.');
}
