/** Sessions beyond this number are not marked. */
const MAX_MARKED = 20_000;

/**
 * Keeps which other sessions are away, as lists and notices of one session show it. Event: `change`.
 */
export class AwaySessions extends EventTarget {
  #ids = new Set();

  constructor(connection) {
    super();
    connection.addEventListener('frame', ({ detail }) => !detail.out && this.#read(detail.envelope));
    connection.addEventListener('state', () => connection.state === 'idle' && this.#ids.clear());
  }

  has(id) {
    return this.#ids.has(id);
  }

  #read({ type, sender, data }) {
    if (type === 'sys.sessions' || type === 'sys.members')
      for (const entry of data.sessions) this.#mark(entry.id ?? entry, entry.away === true);
    else if (type === 'sys.away') this.#mark(sender, true);
    else if (type === 'sys.back' || type === 'sys.departed') this.#mark(sender, false);
    else if (type === 'sys.left' && data?.code !== undefined) this.#mark(sender, false);
  }

  #mark(id, away) {
    if (this.#ids.has(id) === away || (away && this.#ids.size >= MAX_MARKED)) return;
    if (away) this.#ids.add(id);
    else this.#ids.delete(id);
    this.dispatchEvent(new Event('change'));
  }
}
