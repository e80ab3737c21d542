import { Injectable } from '@nestjs/common';
import type { Session } from '../sessions/session.js';
import { RoomIndex } from './room-index.js';

/**
 * The memberships of local sessions that server code has made, and that no permission of a session ends. Forgets each with the
 * membership; a session without any takes no memory.
 */
@Injectable()
export class ServerMemberships {
  readonly #rooms = new WeakMap<Session, Set<string>>();

  constructor(private readonly roomIndex: RoomIndex) {
    roomIndex.addListener({ left: (session, room) => this.#remove(session, room) });
  }

  /** Adds a room of which the session is a member. @param name without `#` */
  add(session: Session, name: string): void {
    const room = this.roomIndex.find(name);
    if (room === undefined) return;
    const rooms = this.#rooms.get(session);
    // The name of the room, because another text of the same name would take memory, too.
    if (rooms === undefined) this.#rooms.set(session, new Set([room.name]));
    else rooms.add(room.name);
  }

  /** Returns whether server code has made a local session a member. */
  has(session: Session, name: string): boolean {
    return this.#rooms.get(session)?.has(name) === true;
  }

  #remove(session: Session, name: string): void {
    const rooms = this.#rooms.get(session);
    if (rooms?.delete(name) === true && rooms.size === 0) this.#rooms.delete(session);
  }
}
