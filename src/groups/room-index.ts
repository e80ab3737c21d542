import { Injectable } from '@nestjs/common';
import { Backplane } from '../cluster/backplane.js';
import { isRoomName } from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { SortedIds, type IdPage } from '../sessions/sorted-ids.js';
import { Settings } from '../settings/settings.js';
import { Memberships } from './memberships.js';
import { RoomLookup } from './room-lookup.js';
import { RoomNotices } from './room-notices.js';
import { Room } from './room.js';

/** Rooms of one remote session. The limit of its own node is lower or the same. */
const MAX_REMOTE_ROOMS = 10_000;

/**
 * The result of a request to join: `member` where the session was one already, `closed` where the session has ended.
 */
export type JoinResult = 'joined' | 'member' | 'too_many_rooms' | 'closed';

/** Receives the changes of memberships of local sessions, after all others were notified of each. */
export interface RoomListener {
  /** @param room name without `#` */
  joined?(session: Session, room: string): void;
  /** @param room name without `#` @param code close code, where the session ended */
  left?(session: Session, room: string, code?: number): void;
}

/** One page of rooms in the order of their names. */
export interface RoomPage {
  readonly rooms: readonly { readonly room: string; readonly total: number }[];
  /** Number of all rooms. */
  readonly total: number;
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/** The rooms of all nodes and their members. A room is there as long as it has members. */
@Injectable()
export class RoomIndex {
  readonly #rooms = new Map<string, Room>();
  readonly #local = new Memberships<Session>();
  readonly #remote = new Memberships<string>();
  readonly #names = new SortedIds(() => this.#rooms.keys());
  readonly #lookup = new RoomLookup(this.#rooms);
  readonly #listeners: RoomListener[] = [];
  readonly #maxRooms: number;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly backplane: Backplane,
    private readonly notices: RoomNotices,
    { maxRoomsPerSession }: Settings,
  ) {
    this.#maxRooms = maxRoomsPerSession;
  }

  /** Adds a listener of the joins and departures of local sessions. */
  addListener(listener: RoomListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Makes a local session a member of a room, and notifies the other members on all nodes. Announces the session first
   * where it is still opening.
   *
   * @param name without `#`
   * @param answer called once the session has become a member, before any notice and any listener
   */
  join(session: Session, name: string, answer?: () => void): JoinResult {
    const obstacle = this.obstacle(session, name);
    if (obstacle !== undefined) return obstacle;
    if (!session.announced) {
      this.registry.announce(session);
      return this.join(session, name, answer); // a listener may have closed the session, or put it into the room
    }
    this.notices.prepare(session);
    const room = this.#roomOf(name);
    room.addLocal(session);
    this.#local.add(session, room);
    this.backplane.joined(session.id, room.name);
    answer?.();
    this.notices.joined(room, session.id, session);
    for (const listener of this.#listeners) attempt(session, () => listener.joined?.(session, room.name));
    return 'joined';
  }

  /** Makes a restored session a member again. Notifies nobody, because a former process has notified all of the join. */
  restore(session: Session, name: string): void {
    if (!isRoomName(name) || this.isMember(session, name)) return;
    const room = this.#roomOf(name);
    room.addLocal(session);
    this.#local.add(session, room);
  }

  /** Returns why a local session cannot become a member now; `undefined` where it can. */
  obstacle(session: Session, name: string): Exclude<JoinResult, 'joined'> | undefined {
    if (session.closed) return 'closed';
    if (this.isMember(session, name)) return 'member';
    return this.#local.count(session) >= this.#maxRooms ? 'too_many_rooms' : undefined;
  }

  /** Sends the notices that wait for a time. */
  flush(): void {
    this.notices.flush();
  }

  /** Returns how many notices on all nodes a new member causes: of its join, and of its end of membership later. */
  noticesOfMember(name: string): number {
    return this.notices.ofMember(this.size(name));
  }

  /** Ends a membership, and notifies the other members on all nodes. @returns `false` where the session is no member */
  leave(session: Session, name: string): boolean {
    const room = this.#rooms.get(name);
    if (room === undefined || !this.#local.remove(session, room)) return false;
    room.removeLocal(session);
    this.notices.left(room, session.id, undefined, session);
    this.backplane.left(session.id, room.name);
    this.#left(session, room);
    return true;
  }

  /** Ends all memberships of a local session that has ended, and notifies the local members. */
  ended(session: Session, code: number): void {
    for (const room of this.#local.removeAll(session)) {
      room.removeLocal(session);
      this.notices.left(room, session.id, code);
      this.#left(session, room, code);
    }
  }

  /** Adds a remote session to a room; does nothing for a member, and for what cannot be a room. */
  remoteJoined(id: string, name: string): void {
    if (this.#rooms.get(name)?.isRemote(id) === true || !isRoomName(name)) return;
    if (this.#remote.count(id) >= MAX_REMOTE_ROOMS) return;
    const room = this.#roomOf(name);
    room.addRemote(this.#remote.add(id, room));
    this.notices.joined(room, id);
  }

  /** Removes a remote session from a room; does nothing where the session is no member. */
  remoteLeft(id: string, name: string): void {
    const room = this.#rooms.get(name);
    if (room !== undefined && this.#remote.remove(id, room)) this.#remoteLeft(id, room);
  }

  /** Replaces the rooms of a remote session, and notifies local members of the difference. */
  remoteRooms(id: string, names: readonly string[]): void {
    const wanted = new Set(names.slice(0, MAX_REMOTE_ROOMS));
    const unwanted = this.#remote.of(id).filter(({ name }) => !wanted.has(name));
    for (const { name } of unwanted) this.remoteLeft(id, name);
    for (const name of wanted) this.remoteJoined(id, name);
  }

  /** Ends all memberships of a remote session that has ended, and notifies the local members. */
  remoteDeparted(id: string, code: number): void {
    for (const room of this.#remote.removeAll(id)) this.#remoteLeft(id, room, code);
  }

  /** Returns a room by its name; `undefined` where it has no members. */
  find(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** Returns the room whose name is the ASCII text at `[from, to)` of `TEXT`, as {@link find} does. */
  findAt(from: number, to: number): Room | undefined {
    return this.#lookup.find(from, to);
  }

  /** Returns whether a local session is a member. */
  isMember(session: Session, name: string): boolean {
    return this.#rooms.get(name)?.local.has(session) === true;
  }

  /** Returns the names of the rooms of a local session, in the order in which it joined them. */
  roomsOf(session: Session): readonly string[] {
    return this.#local.of(session).map(({ name }) => name);
  }

  /** Returns the rooms of a session of any node. The list must not be used after a change. */
  roomsWith(id: string): readonly Room[] {
    const session = this.registry.find(id);
    return session === undefined ? this.#remote.of(id) : this.#local.of(session);
  }

  /** Returns the number of members on all nodes. */
  size(name: string): number {
    return this.#rooms.get(name)?.size ?? 0;
  }

  /** Returns one page of the ids of all members, in order. @param after the last page's `next` */
  page(name: string, after: string | undefined, limit: number): IdPage {
    return this.#rooms.get(name)?.page(after, limit) ?? { sessions: [], total: 0 };
  }

  /** Returns one page of all rooms, in the order of their names. @param after the last page's `next` */
  pageOfRooms(after: string | undefined, limit: number): RoomPage {
    const { sessions: names, ...rest } = this.#names.page(after, limit);
    return { rooms: names.map((room) => ({ room, total: this.size(room) })), ...rest };
  }

  #roomOf(name: string): Room {
    let room = this.#rooms.get(name);
    if (room !== undefined) return room;
    room = new Room(name);
    this.#rooms.set(room.name, room);
    this.#names.add(room.name);
    return room;
  }

  #left(session: Session, room: Room, code?: number): void {
    this.#discardEmpty(room);
    for (const listener of this.#listeners) attempt(session, () => listener.left?.(session, room.name, code));
  }

  #remoteLeft(id: string, room: Room, code?: number): void {
    room.removeRemote(id);
    this.notices.left(room, id, code);
    this.#discardEmpty(room);
  }

  #discardEmpty(room: Room): void {
    // Sessions that end at one moment may leave a room that was discarded, and another one may have its name.
    if (room.size > 0 || this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    this.#names.remove(room.name);
  }
}

/** Calls a listener, whose fault ends its session alone. */
function attempt(session: Session, call: () => void): void {
  try {
    call();
  } catch (error) {
    session.fail(error);
  }
}
