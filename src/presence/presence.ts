import { Injectable } from '@nestjs/common';
import { GroupPermissions } from '../groups/group-permissions.js';
import { RequestTurns } from '../groups/request-turns.js';
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
      const verdict = this.permissions.maySee(session, USER_PREFIX + user);
      if (typeof verdict !== 'boolean') pending.push(this.#recheckLater(verdict, session, user));
      else if (!verdict) this.#end(session, user);
    }
    return pending.length === 0 ? undefined : Promise.all(pending).then(() => undefined);
  }

  #watch(session: Session, user: string, id: string | undefined): Promise<void> | undefined {
    const verdict = this.permissions.maySee(session, USER_PREFIX + user);
    if (typeof verdict !== 'boolean') return this.#watchLater(verdict, session, user, id);
    if (!verdict) throw MessageError.of('forbidden', id);
    this.notices.begin(session, user, id);
    return undefined;
  }

  async #watchLater(verdict: Promise<boolean>, session: Session, user: string, id: string | undefined): Promise<void> {
    const { claims } = session;
    const maySee = await verdict;
    if (session.closed) return;
    if (session.claims !== claims) return this.#watch(session, user, id); // checked by `recheck` before the watch began
    if (!maySee) throw MessageError.of('forbidden', id);
    this.notices.begin(session, user, id);
  }

  #unwatch(session: Session, user: string, id: string | undefined): undefined {
    this.notices.watches.remove(session, user);
    if (id !== undefined) session.send(ackFrame(session.id, id, 'unwatched'));
  }

  async #recheckLater(verdict: Promise<boolean>, session: Session, user: string): Promise<void> {
    let maySee = false;
    try {
      maySee = await verdict;
    } catch (error) {
      logIncident(this.log, error, { session: session.id, address: session.address });
    }
    if (!maySee) this.#end(session, user);
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
function userIn({ receiver, data, id }: ServerRequest): string {
  if (receiver?.startsWith(USER_PREFIX) !== true || receiver.length === USER_PREFIX.length)
    throw new MessageError('invalid_message', 'receiver must be "@" and the name of a user', id);
  if (data !== undefined && !isEmpty(JSON.parse(data)))
    throw new MessageError('invalid_message', 'data must be absent or an empty object', id);
  return receiver.slice(USER_PREFIX.length);
}

/** Returns whether `data` says nothing: `null` or an object without fields. */
function isEmpty(data: unknown): boolean {
  return data === null || (typeof data === 'object' && !Array.isArray(data) && Object.keys(data).length === 0);
}
