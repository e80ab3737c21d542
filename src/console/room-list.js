/** Members beyond this number are counted and not listed. */
const MAX_LISTED = 1000;
const BACKGROUND_QUERY = /^console-members-\d+$/;

/**
 * Keeps the rooms of one session and their members: those of `sys.members`, then updated by the notices of each room. Reads
 * the frame log, so that a join which is typed by hand counts, too. The server bounds the number of rooms of a session. Joins
 * again in a new session. Event: `change`.
 */
export class RoomList extends EventTarget {
  /**
   * Rooms by name: `total` members, undefined until the server has answered; `members` maps their ids to users, undefined
   * where there are too many to list; `query` is the id of the last request for the list.
   */
  rooms = new Map();
  #connection;
  #requests = 0;

  constructor(connection, frameLog) {
    super();
    this.#connection = connection;
    connection.addEventListener('state', () => this.#restart());
    frameLog.addEventListener('entry', ({ detail }) => detail.kind === 'in' && this.#read(detail));
  }

  /** @param name without `#` */
  join(name) {
    this.#send('sys.join', name, 'console-join');
  }

  leave(name) {
    this.#send('sys.leave', name, 'console-leave');
  }

  #restart() {
    const { state, away, resumed } = this.#connection;
    if (away || resumed) return; // the server keeps the rooms
    if (state === 'idle') this.rooms.clear();
    for (const name of this.rooms.keys()) {
      this.rooms.set(name, { total: undefined, members: undefined });
      if (state === 'open') this.join(name);
    }
    this.#changed();
  }

  #send(type, name, prefix, data) {
    this.#requests += 1;
    const id = `${prefix}-${this.#requests}`;
    this.#connection.send(JSON.stringify({ type, receiver: `#${name}`, id, ...(data && { data }) }));
    return id;
  }

  #read({ envelope, request }) {
    const { type, sender, receiver, data } = envelope;
    const asked = request?.envelope;
    if (type === 'sys.members') this.#addPage(data, asked);
    else if (type === 'sys.joined') this.#add(`${receiver}`.slice(1), sender, data?.user);
    else if (type === 'sys.left') this.#remove(`${receiver}`.slice(1), sender);
    else if (type === 'sys.room') this.#count(data);
    else if (type === 'sys.gap' && data.notices > 0) this.#listAnew();
    else if (type === 'sys.ack' && asked?.type === 'sys.leave') this.#delete(asked.receiver.slice(1));
    else if (type === 'sys.error' && asked?.type === 'sys.join') this.#refused(`${asked.receiver}`.slice(1));
  }

  /** Adds the answer of a join, or of a query of this class. Pages that were asked for by hand change nothing. */
  #addPage({ room: name, sessions, total, next }, asked) {
    const isOwnQuery = BACKGROUND_QUERY.test(asked?.id);
    if (asked?.type === 'sys.who' && !isOwnQuery) return;
    const entries = sessions.map((entry) => (typeof entry === 'string' ? [entry] : [entry.id, entry.user]));
    if (isOwnQuery) {
      const room = this.rooms.get(name);
      if (!room?.members || room.query !== asked.id) return; // a later query or notice has replaced the list
      room.total = total;
      for (const [id, user] of entries) room.members.set(id, user);
    } else if (asked !== undefined || next || entries.some(([id]) => id === this.#connection.id)) {
      const room = { total, members: total > MAX_LISTED ? undefined : new Map(entries) };
      this.rooms.set(name, room);
      if (room.members && next) this.#query(name, room, next);
    }
    this.#changed();
  }

  #add(name, id, user) {
    const room = this.rooms.get(name);
    if (room?.total === undefined || id === this.#connection.id) return;
    room.total += 1;
    if (room.total > MAX_LISTED) room.members = undefined;
    room.members?.set(id, user);
    this.#relist(name, room);
    this.#changed();
  }

  #remove(name, id) {
    if (id === this.#connection.id) return this.#delete(name);
    const room = this.rooms.get(name);
    if (room?.total === undefined) return;
    room.total -= 1;
    room.members?.delete(id);
    this.#relist(name, room);
    this.#changed();
  }

  /** Reads `sys.room`, which replaces the notices of single members; so the list, if it may be one, is asked for anew. */
  #count({ room: name, total }) {
    if (!this.rooms.has(name)) return;
    const room = { total, members: undefined };
    this.rooms.set(name, room);
    this.#relist(name, room);
    this.#changed();
  }

  /** Lists all rooms, because the session has missed notices. */
  #listAnew() {
    for (const [name, room] of this.rooms) {
      room.members = undefined;
      this.#relist(name, room);
    }
    this.#changed();
  }

  /** Lists a room without a list that is small enough. */
  #relist(name, room) {
    if (room.members || room.total > MAX_LISTED) return;
    room.members = new Map();
    this.#query(name, room);
  }

  #query(name, room, after) {
    room.query = this.#send('sys.who', name, 'console-members', { limit: MAX_LISTED, ...(after && { after }) });
  }

  /** Removes a room that could not be joined again. A member stays one where a second join fails. */
  #refused(name) {
    if (this.rooms.get(name)?.total === undefined) this.#delete(name);
  }

  #delete(name) {
    if (this.rooms.delete(name)) this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
