const MAX_ENTRIES = 1000;
/** A limit of their own, so that background frames do not displace the user's frames. */
const MAX_BACKGROUND_ENTRIES = 100;
const BACKGROUND_ID = /^console-(ping|who|members|return)-\d+$/;

/**
 * Keeps the last frames of one session, and joins each answer to its request. Background frames are those that the
 * console sends by itself, and their answers. After a return the log counts the frames that came back and those that were
 * sent again. Events: `entry` for a new entry, `answered` for a request, `returned` with `{back, again}`.
 */
export class FrameLog extends EventTarget {
  entries = [];
  /** Sent frames that have an id, by id. */
  #requests = new Map();
  /** Pings of the client, which have no id, that await their `sys.pong`. */
  #keepalives = 0;
  #background = 0;
  /** Frames of the return, whose end is the answer to `marker`. */
  #returned = { marker: '', back: 0, again: 0 };
  #returns = 0;
  #connection;

  constructor(connection) {
    super();
    this.#connection = connection;
    connection.addEventListener('frame', ({ detail }) => this.#add(detail));
    connection.addEventListener('closed', ({ detail }) => this.#append({ kind: 'close', at: new Date(), ...detail }));
    connection.addEventListener('state', ({ detail }) => detail === 'open' && this.#reset());
  }

  clear() {
    this.entries = [];
    this.#background = 0;
  }

  /** Forgets the requests of a session that has ended; marks the end of the frames of a return. */
  #reset() {
    if (this.#connection.resumed) {
      this.#returns += 1;
      this.#returned.marker = `console-return-${this.#returns}`;
      this.#connection.send(JSON.stringify({ type: 'sys.ping', id: this.#returned.marker }));
      return;
    }
    this.#requests.clear();
    this.#keepalives = 0;
  }

  #add(frame) {
    const { text, envelope, out } = frame;
    const entry = { kind: out ? 'out' : 'in', at: new Date(), ms: performance.now(), text, envelope };
    entry.background = this.#isBackground(frame);
    this.#countReturned(frame, entry);
    if (out && envelope.id !== undefined && !entry.again) this.#requests.set(envelope.id, entry);
    const request = out ? undefined : this.#requests.get(envelope.ref);
    if (request !== undefined) this.#join(request, entry);
    this.#append(entry);
  }

  /** Counts the frames between the welcome of a return and the answer to the marker. */
  #countReturned({ envelope, out, again }, entry) {
    const returned = this.#returned;
    if (!out && envelope.type === 'sys.welcome') Object.assign(returned, { marker: '', back: 0, again: 0 });
    entry.again = again;
    entry.back = !out && returned.marker !== '' && !entry.background;
    if (again && !entry.background) returned.again += 1;
    if (entry.back) returned.back += 1;
    if (out || returned.marker === '' || envelope.ref !== returned.marker) return;
    returned.marker = '';
    this.dispatchEvent(new CustomEvent('returned', { detail: returned }));
  }

  #isBackground({ envelope, out, background, again }) {
    if (envelope.type === 'sys.seen' || (again && envelope.type === 'sys.ping')) return true;
    if (background) this.#keepalives += 1;
    if (background || BACKGROUND_ID.test(out ? envelope.id : envelope.ref)) return true;
    if (out || envelope.type !== 'sys.pong' || envelope.ref !== undefined || this.#keepalives === 0) return false;
    this.#keepalives -= 1;
    return true;
  }

  #join(request, answer) {
    answer.tookMs = answer.ms - request.ms;
    answer.request = request;
    request.answer = answer;
    request.tookMs = answer.tookMs;
    if (!answer.background) this.dispatchEvent(new CustomEvent('answered', { detail: request }));
    else this.#requests.delete(answer.envelope.ref);
  }

  #append(entry) {
    this.entries.push(entry);
    if (entry.background) this.#background += 1;
    if (this.#background > MAX_BACKGROUND_ENTRIES) this.#remove(this.entries.findIndex(({ background }) => background));
    if (this.entries.length > MAX_ENTRIES) this.#remove(0);
    this.dispatchEvent(new CustomEvent('entry', { detail: entry }));
  }

  #remove(index) {
    const [entry] = this.entries.splice(index, 1);
    if (entry.background) this.#background -= 1;
    if (entry.kind === 'out' && this.#requests.get(entry.envelope.id) === entry)
      this.#requests.delete(entry.envelope.id);
  }
}
