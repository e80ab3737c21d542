import { Injectable } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { Session, SessionState } from 'switchboard';

const MAX_GROUPS_OF_ONE = 20;
const MAX_GROUPS = 10_000;

/** Who is in which group, and under what name. A group is there as long as somebody is in it. */
@Injectable()
export class Groups {
  readonly #groups = new Map<string, Set<Session>>();
  /** The names of a session by group. */
  readonly #names = new SessionState(() => new Map<string, string>());

  /** @throws {WsException} where there would be too many */
  join(session: Session, group: string, name: string): void {
    const names = this.#names.of(session);
    if (!names.has(group) && names.size >= MAX_GROUPS_OF_ONE) throw new WsException('You are in too many groups.');
    let members = this.#groups.get(group);
    if (members === undefined) {
      if (this.#groups.size >= MAX_GROUPS) throw new WsException('There are too many groups.');
      this.#groups.set(group, (members = new Set()));
    }
    members.add(session);
    names.set(group, name);
  }

  /** Returns the name it had there. */
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
