import { Injectable } from '@nestjs/common';
import { AccessPolicy, RememberedAnswers, Rooms, SessionState, type SendVerdict, type Session } from 'switchboard';
import { Projects } from './projects.js';

const MAX_PROJECTS = 100;

/** Opens the room `project.ID` to the members of a project, as the database says, and everything else to nobody. */
@Injectable()
export class RoomPolicy extends AccessPolicy {
  /** Projects of the user, as the database has answered. `maySend` reads them, because it cannot wait. */
  readonly #projects = new SessionState(() => new Set<string>());

  constructor(
    private readonly projects: Projects,
    private readonly answers: RememberedAnswers,
    private readonly rooms: Rooms,
  ) {
    super();
  }

  /** Asks the database when a session joins, and again when its token is renewed. */
  override async mayJoin(session: Session, room: string): Promise<boolean> {
    const project = projectOf(room);
    if (project === undefined || session.user === undefined) return false;
    const isMember = await this.projects.isMember(project, session.user);
    const known = this.#projects.of(session);
    known.delete(project);
    if (!isMember) return false;
    known.add(project);
    if (known.size > MAX_PROJECTS) known.delete(known.values().next().value!);
    return true;
  }

  override maySee(session: Session, target: string): boolean | Promise<boolean> {
    return target.startsWith('#') && this.mayJoin(session, target.slice(1));
  }

  /** `'always'` keeps the server from asking for each message. It holds until {@link revoke}. */
  override maySend(session: Session, receiver: string): SendVerdict {
    const project = receiver.startsWith('#') ? projectOf(receiver.slice(1)) : undefined;
    return project !== undefined && this.#projects.of(session).has(project) ? 'always' : false;
  }

  /** Ends the rights of a session of this node at once. Call it where a user has left a project. */
  async revoke(session: Session, project: string): Promise<void> {
    this.#projects.of(session).delete(project);
    this.answers.forget(session, `#project.${project}`);
    await this.rooms.leave(session, `project.${project}`);
  }
}

function projectOf(room: string): string | undefined {
  return room.startsWith('project.') ? room.slice('project.'.length) : undefined;
}
