/** More than this are counted and not listed. */
const MOST = 20_000;
/** Without arrival notices the list is asked for again, this often. */
const AGAIN_MS = 15_000;

/**
 * Who is here, as one session sees it: read in pages once, then kept by arrivals and departures. Tells `change`.
 */
export class Roster extends EventTarget {
  /** Users by session id, in the order they were learnt. */
  sessions = new Map();
  /** How many the server counted beyond those listed. */
  unlisted = 0;
  #link;
  #found;
  #gone = new Set();
  #timer;
  #asked = 0;

  constructor(link) {
    super();
    this.#link = link;
    link.addEventListener('state', () => this.#begin());
    link.addEventListener('frame', ({ detail }) => !detail.out && this.#read(detail.envelope));
  }

  get total() {
    return this.sessions.size + this.unlisted;
  }

  /** Asks for all pages; what arrives or departs meanwhile counts. */
  refresh() {
    this.#found = new Map();
    this.#gone.clear();
    this.#ask();
  }

  #begin() {
    clearInterval(this.#timer);
    if (this.#link.state !== 'open') {
      this.sessions.clear();
      this.unlisted = 0;
      this.#change();
      return;
    }
    this.refresh();
    this.#timer = setInterval(() => document.hidden || this.refresh(), AGAIN_MS);
  }

  #ask(after) {
    this.#asked += 1;
    const id = `console-who-${this.#asked}`;
    const data = { limit: this.#link.tables.limits.page, ...(after && { after }) };
    this.#link.send(JSON.stringify({ type: 'sys.who', id, data }));
  }

  #read({ type, sender, ref, data }) {
    if (type === 'sys.sessions' && ref === `console-who-${this.#asked}`) this.#page(data);
    else if (type === 'sys.arrived') this.#add(sender, data?.user);
    else if (type === 'sys.departed') this.#remove(sender);
  }

  #page({ sessions, total, next }) {
    for (const each of sessions) {
      const { id, user } = typeof each === 'string' ? { id: each } : each;
      if (!this.#gone.has(id)) this.#found.set(id, user);
      this.#add(id, user);
    }
    if (next && this.#found.size < MOST) return this.#ask(next);
    this.sessions = this.#found;
    this.unlisted = Math.max(0, total - this.sessions.size);
    this.#found = undefined;
    return this.#change();
  }

  #add(id, user) {
    if (this.#found !== undefined && this.#found.size < MOST) this.#found.set(id, user);
    if (this.sessions.has(id)) return;
    if (this.sessions.size < MOST) this.sessions.set(id, user);
    else this.unlisted += 1;
    this.#change();
  }

  #remove(id) {
    if (this.#found?.delete(id) || this.#found !== undefined) this.#gone.add(id);
    if (!this.sessions.delete(id)) this.unlisted = Math.max(0, this.unlisted - 1);
    this.#change();
  }

  #change() {
    this.dispatchEvent(new Event('change'));
  }
}
