/**
 * Keeps the watched users of one session and their states: `sys.presence` is the answer to a watch, and each later change.
 * Reads the frame log, so that a watch which is typed by hand counts, too. The server bounds the number of watches of a
 * session. Watches again in a new session. Event: `change`.
 */
export class WatchList extends EventTarget {
  /** Number of sessions by user; undefined until the server has answered. */
  users = new Map();
  #connection;
  #requests = 0;

  constructor(connection, frameLog) {
    super();
    this.#connection = connection;
    connection.addEventListener('state', () => this.#restart());
    frameLog.addEventListener('entry', ({ detail }) => detail.kind === 'in' && this.#read(detail));
  }

  /** @param user without `@` */
  watch(user) {
    this.#send('sys.watch', user, 'console-watch');
  }

  unwatch(user) {
    this.#send('sys.unwatch', user, 'console-unwatch');
  }

  #restart() {
    const { state, away, resumed } = this.#connection;
    if (away || resumed) return; // the server keeps the watches
    if (state === 'idle') this.users.clear();
    for (const user of this.users.keys()) {
      this.users.set(user, undefined);
      if (state === 'open') this.watch(user);
    }
    this.#changed();
  }

  #send(type, user, prefix) {
    this.#requests += 1;
    this.#connection.send(JSON.stringify({ type, receiver: `@${user}`, id: `${prefix}-${this.#requests}` }));
  }

  #read({ envelope: { type, data }, request }) {
    const asked = request?.envelope;
    const user = `${asked?.receiver}`.slice(1);
    if (type === 'sys.presence') this.users.set(data.user, data.sessions);
    else if (type === 'sys.ack' && asked?.type === 'sys.unwatch') this.users.delete(user);
    else if (type === 'sys.error' && asked?.type === 'sys.watch' && this.users.get(user) === undefined)
      this.users.delete(user);
    else return;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
