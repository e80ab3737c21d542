/** Sessions beyond this number are counted and not listed. */
const MAX_LISTED = 20_000;
/** Interval of a new query, because arrival notices may be off. */
const REFRESH_MS = 15_000;

/**
 * Lists the connected sessions: queried with `sys.who`, page by page, then updated by arrival and departure notices.
 * Event: `change`.
 */
export class SessionList extends EventTarget {
  /** User by session id, in the order in which the sessions were listed; undefined where the server shows no users. */
  sessions = new Map();
  /** Sessions that the server counted beyond those listed. */
  unlisted = 0;
  #connection;
  /** The result of the query in progress. */
  #found;
  /** Sessions that departed during the query. */
  #departed = new Set();
  #timer;
  #queries = 0;

  constructor(connection) {
    super();
    this.#connection = connection;
    connection.addEventListener('state', () => this.#restart());
    connection.addEventListener('frame', ({ detail }) => !detail.out && this.#read(detail.envelope));
  }

  get total() {
    return this.sessions.size + this.unlisted;
  }

  /** Queries all pages. Notices that arrive during the query apply to its result. */
  refresh() {
    this.#found = new Map();
    this.#departed.clear();
    this.#query();
  }

  #restart() {
    clearInterval(this.#timer);
    if (this.#connection.away) return;
    if (this.#connection.state !== 'open') {
      this.sessions.clear();
      this.unlisted = 0;
      this.#changed();
      return;
    }
    this.refresh();
    this.#timer = setInterval(() => document.hidden || this.refresh(), REFRESH_MS);
  }

  #query(after) {
    this.#queries += 1;
    const id = `console-who-${this.#queries}`;
    const data = { limit: this.#connection.tables.limits.page, ...(after && { after }) };
    this.#connection.send(JSON.stringify({ type: 'sys.who', id, data }));
  }

  #read({ type, sender, ref, data }) {
    if (type === 'sys.sessions' && ref === `console-who-${this.#queries}`) this.#addPage(data);
    else if (type === 'sys.arrived') this.#add(sender, data?.user);
    else if (type === 'sys.departed') this.#remove(sender);
  }

  #addPage({ sessions, total, next }) {
    for (const entry of sessions) {
      const { id, user } = typeof entry === 'string' ? { id: entry } : entry;
      if (!this.#departed.has(id)) this.#found.set(id, user);
      this.#add(id, user);
    }
    if (next && this.#found.size < MAX_LISTED) return this.#query(next);
    this.sessions = this.#found;
    this.unlisted = Math.max(0, total - this.sessions.size);
    this.#found = undefined;
    return this.#changed();
  }

  #add(id, user) {
    if (this.#found !== undefined && this.#found.size < MAX_LISTED) this.#found.set(id, user);
    if (this.sessions.has(id)) return;
    if (this.sessions.size < MAX_LISTED) this.sessions.set(id, user);
    else this.unlisted += 1;
    this.#changed();
  }

  #remove(id) {
    if (this.#found?.delete(id) || this.#found !== undefined) this.#departed.add(id);
    if (!this.sessions.delete(id)) this.unlisted = Math.max(0, this.unlisted - 1);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
