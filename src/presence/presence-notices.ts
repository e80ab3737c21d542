import { Injectable } from '@nestjs/common';
import { UserIndex } from '../groups/user-index.js';
import { NoticeLog } from '../messaging/notice-log.js';
import { MessageError, presenceFrame, SESSION_ID_CHARACTERS, type Frame } from '../protocol/index.js';
import type { SessionPart } from '../sessions/session-parts.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { Watches } from './watches.js';

/** Stands for the id of the receiver in a frame that many sessions get. */
const PLACEHOLDER = '?'.repeat(SESSION_ID_CHARACTERS);

/**
 * Sends `sys.presence` to the local sessions that watch a user. A notice follows each change between no session of the
 * user on any node and some. A session that reads too slowly gets `sys.gap` instead; an answer is never left out.
 */
@Injectable()
export class PresenceNotices {
  readonly watches: Watches;

  constructor(
    private readonly users: UserIndex,
    private readonly noticeLog: NoticeLog,
    registry: SessionRegistry,
    settings: Settings,
  ) {
    this.watches = new Watches(settings.maxWatchesPerSession);
    users.onPresence((user, sessions) => this.#notify(user, sessions));
    registry.addListener('presence', { closed: (session) => this.watches.forget(session) });
    registry.parts.add('watches', new SavedWatches(this.watches));
  }

  /**
   * Begins a watch and answers with the presence of the user, also where the session watches the user already. Does
   * nothing once the session has ended.
   *
   * @param ref the `id` of the request
   * @throws {MessageError} `too_many_watches` over `MAX_WATCHES_PER_SESSION`
   */
  begin(session: Session, user: string, ref: string | undefined): void {
    if (session.closed) return;
    if (!this.watches.add(session, user)) throw MessageError.of('too_many_watches', ref);
    const sessions = this.users.count(user);
    this.noticeLog.catchUp(session);
    session.send(presenceFrame(session.id, ref, { user, online: sessions > 0, sessions }));
  }

  /** Notifies the sessions that watch a user. @param sessions of the user on all nodes */
  #notify(user: string, sessions: number): void {
    const watchers = this.watches.watchersOf(user);
    if (watchers === undefined) return;
    const frameFor = noticeFrames(user, sessions);
    const failed: [Session, unknown][] = [];
    for (const session of watchers) {
      if (session.closed) continue;
      try {
        if (sessions > 0) this.noticeLog.notify(session, frameFor(session.id));
        else session.sendNotice(frameFor(session.id)); // before the `sys.departed` of the last session
      } catch (error) {
        failed.push([session, error]);
      }
    }
    // Last, because the end of a session may change the presence of the user again.
    for (const [session, error] of failed) session.fail(error);
  }
}

/** Carries the watches of a session over a restart. A lower `MAX_WATCHES_PER_SESSION` ends the last ones. */
class SavedWatches implements SessionPart {
  constructor(private readonly watches: Watches) {}

  save(session: Session): readonly string[] | undefined {
    const users = this.watches.usersOf(session);
    return users.length === 0 ? undefined : users;
  }

  restore(session: Session, users: readonly string[]): void {
    for (const user of users) void this.watches.add(session, user); // over the limit a watch begins anew
  }
}

/** Returns a maker of notices. They differ in the receiver only, which is written into a copy of one frame. */
function noticeFrames(user: string, sessions: number): (receiver: string) => Frame {
  const template = presenceFrame(PLACEHOLDER, undefined, { user, online: sessions > 0, sessions });
  const at = template.indexOf(PLACEHOLDER); // the receiver stands before `data`, whose user may have any characters
  return (receiver) => {
    const frame = Buffer.from(template);
    frame.write(receiver, at, 'latin1');
    return frame as Frame;
  };
}
