import { Injectable } from '@nestjs/common';
import { Users } from '../../groups/users.js';
import { ClusterSessions } from '../../messaging/cluster-sessions.js';
import type { ClosedSessions, SessionsPage } from './api.dto.js';
import { pageSize } from './page-size.js';
import { SessionQueries } from './session-queries.js';

/** Lists and closes the sessions of users on all nodes. */
@Injectable()
export class UserQueries {
  constructor(
    private readonly users: Users,
    private readonly sessionQueries: SessionQueries,
    private readonly clusterSessions: ClusterSessions,
  ) {}

  /** Returns one page of the sessions of a user; an empty one where there are none. @throws {Problem} 400 */
  async sessions(user: string, after: string | undefined, limit: string | undefined): Promise<SessionsPage> {
    return this.sessionQueries.describe(this.users.sessions(user, { after, limit: pageSize(limit) }));
  }

  /**
   * Closes all sessions of a user with 4000.
   *
   * @throws {MessageError} `unavailable` where the node of one of the sessions does not answer; the others are closed
   */
  async close(user: string): Promise<ClosedSessions> {
    return { closed: await this.clusterSessions.closeUser(user, 4000) };
  }
}
