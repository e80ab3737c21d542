import { Injectable } from '@nestjs/common';
import { ClusterSessions } from '../../messaging/cluster-sessions.js';
import type { IdPage } from '../../sessions/sorted-ids.js';
import type { SessionsPage, SessionView } from './api.dto.js';
import { pageSize } from './page-size.js';
import { Problem } from './problem.filter.js';

/** Lists, describes and closes the sessions of all nodes. */
@Injectable()
export class SessionQueries {
  constructor(private readonly clusterSessions: ClusterSessions) {}

  /** @throws {Problem} 400 for an invalid `limit` */
  async page(after: string | undefined, limit: string | undefined): Promise<SessionsPage> {
    return (await this.clusterSessions.page(after, pageSize(limit))) as SessionsPage;
  }

  /** Describes the sessions of a page. */
  async describe(page: IdPage): Promise<SessionsPage> {
    return (await this.clusterSessions.describe(page)) as SessionsPage;
  }

  /**
   * @throws {Problem} 404 where no session has this id
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async get(id: string): Promise<SessionView> {
    const view = await this.clusterSessions.find(id);
    if (view === undefined) throw sessionNotFound();
    return view;
  }

  /**
   * Closes a session with 4000.
   *
   * @throws {Problem} 404 where no session has this id
   * @throws {MessageError} `unavailable` where the node of the session does not answer
   */
  async kick(id: string): Promise<void> {
    if (!(await this.clusterSessions.close(id, 4000))) throw sessionNotFound();
  }
}

export function sessionNotFound(): Problem {
  return new Problem(404, 'session_not_found', 'No session has this id.');
}
