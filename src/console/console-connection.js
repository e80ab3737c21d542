import { adviceFor, backOffMs } from './comeback.js';

/**
 * One session and how it comes again: `idle`, `connecting`, `open`, `waiting`. Events: `state`, `frame` with the text
 * in or out, `closed` with the close code and what is advised.
 */
export class Link extends EventTarget {
  state = 'idle';
  welcome;
  /** When the next attempt is made, where there is one. */
  dueAt = 0;
  #socket;
  #timer;
  #attempt = 0;
  #returnAt = 0;

  /** @param tables the server's own @param token asked for at each attempt, so that a new one is used at once */
  constructor(tables, token) {
    super();
    this.tables = tables;
    this.token = token;
  }

  get id() {
    return this.state === 'open' ? this.welcome?.receiver : undefined;
  }

  connect() {
    this.#forget();
    const url = new URL(this.tables.wsPath, location.href.replace(/^http/, 'ws'));
    const token = this.token();
    const protocols = [this.tables.subprotocol, ...(token ? [`bearer.${token}`] : [])];
    const socket = new WebSocket(url, protocols);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#socket === socket && this.#receive(data));
    socket.addEventListener('close', ({ code, reason }) => this.#socket === socket && this.#ended(code, reason));
    this.#become('connecting');
  }

  /** Goes and stays away. */
  close() {
    const socket = this.#forget();
    if (socket) this.#tell('closed', { code: 1000, reason: '', advice: 'none', wasOpen: true });
    this.#become('idle');
  }

  send(text) {
    if (this.state !== 'open') return false;
    this.#tell('frame', { text, out: true }); // first, or an answer could be shown before its question
    this.#socket.send(text);
    return true;
  }

  #receive(text) {
    const envelope = JSON.parse(text);
    if (envelope.type === 'sys.welcome') {
      this.welcome = envelope;
      this.#attempt = 0;
      this.#become('open');
    }
    if (envelope.type === 'sys.reconnect' && envelope.sender === 'server') this.#planReturn(envelope.data.afterMs);
    this.#tell('frame', { text, envelope, out: false });
  }

  /** The node leaves: come again when it says, whether or not it has closed by then. */
  #planReturn(afterMs) {
    this.#returnAt = performance.now() + afterMs;
    this.#timer = setTimeout(() => this.connect(), afterMs);
  }

  #ended(code, reason) {
    const wasOpen = this.state === 'open';
    const advice = adviceFor(code, this.tables.closeCodes);
    const returnAt = this.#returnAt;
    this.#forget();
    this.#tell('closed', { code, reason, advice, wasOpen });
    const wantsToken = !wasOpen && this.tables.auth === 'required' && !this.token();
    if (wantsToken || ['none', 'stop', 'new_token'].includes(advice)) return this.#become('idle');
    const planned = returnAt - performance.now();
    const waitMs = planned > 0 ? planned : backOffMs(this.#attempt++);
    this.dueAt = performance.now() + waitMs;
    this.#timer = setTimeout(() => this.connect(), waitMs);
    this.#become('waiting');
  }

  /** Lets go of the socket there was; its late events are nobody's. */
  #forget() {
    clearTimeout(this.#timer);
    this.#returnAt = 0;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
    return socket;
  }

  #become(state) {
    this.state = state;
    this.#tell('state', state);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
