import { Injectable } from '@nestjs/common';
import { decide } from '../groups/decide.js';
import { GroupPermissions } from '../groups/group-permissions.js';
import { RequestTurns } from '../groups/request-turns.js';
import { checkNoData } from '../messaging/no-data.js';
import { SystemRequestHandler } from '../messaging/system-request-handler.js';
import { ackFrame, errorFrame, MessageError, USER_PREFIX, type ServerRequest } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { logIncident } from '../telemetry/incident.js';
import { Log } from '../telemetry/log.js';
import { PresenceNotices } from './presence-notices.js';

/**
 * Answers `sys.watch` and `sys.unwatch`. The requests of one session have their effect in order, also where a policy
 * takes its time.
 */
@Injectable()
export class Presence {
  readonly #turns = new RequestTurns();

  constructor(
    private readonly notices: PresenceNotices,
    private readonly permissions: GroupPermissions,
    private readonly log: Log,
    systemRequests: SystemRequestHandler,
  ) {
    systemRequests.register('sys.watch', (session, request) => {
      const user = userIn(request);
      return this.#turns.run(session, request.id, () => this.#watch(session, user, request.id));
    });
    systemRequests.register('sys.unwatch', (session, request) => {
      const user = userIn(request);
      return this.#turns.run(session, request.id, () => this.#unwatch(session, user, request.id));
    });
  }

  /**
   * Ends the watches that a session may no longer have. Call it once the claims of the session have changed. The session
   * gets `sys.error` `forbidden`, which names the user, for each of them. A policy that fails ends the watch, too.
   *
   * @returns a promise where a policy decides later; it never rejects
   */
  recheck(session: Session): Promise<void> | undefined {
    const pending: Promise<void>[] = [];
    for (const user of this.notices.watches.usersOf(session)) {
      const checked = this.#decide(session, user, (maySee) => {
        if (!maySee) this.#end(session, user);
      });
      if (checked !== undefined) pending.push(checked.catch((error) => this.#endFailed(session, user, error)));
    }
    return pending.length === 0 ? undefined : Promise.all(pending).then(() => undefined);
  }

  #watch(session: Session, user: string, id: string | undefined): Promise<void> | undefined {
    return this.#decide(session, user, (maySee) => {
      if (!maySee) throw MessageError.of('forbidden', id);
      this.notices.begin(session, user, id);
    });
  }

  #unwatch(session: Session, user: string, id: string | undefined): undefined {
    void this.notices.watches.remove(session, user);
    if (id !== undefined) session.send(ackFrame(session.id, id, 'unwatched'));
  }

  #decide(session: Session, user: string, effect: (maySee: boolean) => void): Promise<void> | undefined {
    return decide(session, () => this.permissions.maySee(session, USER_PREFIX + user), effect);
  }

  #endFailed(session: Session, user: string, error: unknown): void {
    logIncident(this.log, error, { session: session.id, address: session.address });
    this.#end(session, user);
  }

  #end(session: Session, user: string): void {
    if (!this.notices.watches.remove(session, user)) return;
    const message = `This session may no longer watch the user "${user}".`;
    session.send(errorFrame(session.id, 'forbidden', message, undefined, {}));
  }
}

/**
 * Returns the user that a request names.
 *
 * @throws {MessageError} `invalid_message` for a receiver that is not a user, and for `data`
 */
function userIn(request: ServerRequest): string {
  const { receiver, id } = request;
  if (receiver?.startsWith(USER_PREFIX) !== true || receiver.length === USER_PREFIX.length)
    throw new MessageError('invalid_message', 'receiver must be "@" and the name of a user', id);
  checkNoData(request);
  return receiver.slice(USER_PREFIX.length);
}
