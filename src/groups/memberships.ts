import type { Session } from '../sessions/session.js';
import { Room } from './room.js';

const NO_ROOMS: readonly Room[] = [];

/** The rooms of a member of more than one room. */
interface Several<Member> {
  /** The member as all of its rooms hold it: one text for a remote id, although each message brings an equal one. */
  readonly member: Member;
  readonly rooms: Room[];
}

/**
 * The rooms of each member: a session of this node, or the id of a remote one. A session that is in no room takes no
 * memory, one in a single room no list.
 */
export class Memberships<Member extends Session | string> {
  readonly #rooms = new Map<Member, Room | Several<Member>>();

  /** Returns the rooms of a member. The list must not be used after a change. */
  of(member: Member): readonly Room[] {
    const found = this.#rooms.get(member);
    if (found === undefined) return NO_ROOMS;
    return found instanceof Room ? [found] : found.rooms;
  }

  /** Number of rooms of a member. */
  count(member: Member): number {
    const found = this.#rooms.get(member);
    if (found === undefined) return 0;
    return found instanceof Room ? 1 : found.rooms.length;
  }

  /** Adds a room in which the member is not yet. @returns the member as its rooms must hold it */
  add(member: Member, room: Room): Member {
    const found = this.#rooms.get(member);
    if (found === undefined) {
      this.#rooms.set(member, room);
      return member;
    }
    if (found instanceof Room) {
      this.#rooms.set(member, { member, rooms: [found, room] });
      return member;
    }
    found.rooms.push(room);
    return found.member;
  }

  /** Removes a room of a member. @returns `false` where the member is not in the room */
  remove(member: Member, room: Room): boolean {
    const found = this.#rooms.get(member);
    if (found === undefined) return false;
    if (found instanceof Room) return found === room && this.#rooms.delete(member);
    const index = found.rooms.indexOf(room);
    if (index < 0) return false;
    found.rooms.splice(index, 1);
    if (found.rooms.length === 0) this.#rooms.delete(member);
    return true;
  }

  /** Removes all rooms of a member, and returns them. */
  removeAll(member: Member): readonly Room[] {
    const rooms = this.of(member);
    this.#rooms.delete(member);
    return rooms;
  }
}
