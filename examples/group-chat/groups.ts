import { Injectable } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { Session, SessionState } from 'switchboard';

const MAX_GROUPS_PER_SESSION = 20;
const MAX_GROUPS = 10_000;

/** Knows the members of each group and their names. A group exists while it has members. */
@Injectable()
export class Groups {
  readonly #groups = new Map<string, Set<Session>>();
  /** The names of a session by group. */
  readonly #names = new SessionState(() => new Map<string, string>());

  /** @throws {WsException} when the session or the server has too many groups */
  join(session: Session, group: string, name: string): void {
    const names = this.#names.of(session);
    if (!names.has(group) && names.size >= MAX_GROUPS_PER_SESSION) throw new WsException('You are in too many groups.');
    let members = this.#groups.get(group);
    if (members === undefined) {
      if (this.#groups.size >= MAX_GROUPS) throw new WsException('There are too many groups.');
      this.#groups.set(group, (members = new Set()));
    }
    members.add(session);
    names.set(group, name);
  }

  /** Returns the name that the session had in the group. */
  leave(session: Session, group: string): string | undefined {
    const names = this.#names.of(session);
    const name = names.get(group);
    names.delete(group);
    const members = this.#groups.get(group);
    members?.delete(session);
    if (members?.size === 0) this.#groups.delete(group);
    return name;
  }

  members(group: string): Iterable<Session> {
    return this.#groups.get(group) ?? [];
  }

  nameOf(session: Session, group: string): string | undefined {
    return this.#names.of(session).get(group);
  }

  groupsOf(session: Session): string[] {
    return [...this.#names.of(session).keys()];
  }
}
