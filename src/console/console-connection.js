import { connect } from '../client.js'; // the bundle, which the server serves beside /console/

/** Upper bound of the first wait; shorter than the client's default, because somebody is watching the page. */
const MIN_DELAY_MS = 500;

/**
 * Connects one session of the console. The bundled client at `/client.js` connects, reconnects and detects silent
 * connections. This class adds what the client hides from applications: the text of each frame, received or sent,
 * and the advice of the server's table of close codes.
 *
 * `state` is `idle`, `connecting`, `open` or `waiting`. Events: `state`; `frame` with
 * `{text, envelope, out, background}`; `closed` with `{code, reason, advice, wasOpen}`.
 */
export class ConsoleConnection extends EventTarget {
  state = 'idle';
  /** The last `sys.welcome`. */
  welcome;
  /** The time of the next attempt on the clock of `performance.now()`, while waiting. */
  dueAt = 0;
  #client;
  #socket;
  #unsubscribe;

  /** @param tables the server's `tables.json` @param token returns the current token, or an empty string */
  constructor(tables, token) {
    super();
    this.tables = tables;
    this.token = token;
  }

  get id() {
    return this.state === 'open' ? this.welcome?.receiver : undefined;
  }

  /** The WebSocket endpoint, which the server names relative to the address of the page. */
  get url() {
    return new URL(this.tables.wsReference, location.href.replace(/^http/, 'ws'));
  }

  /** Connects with the current token; replaces the connection that there is. */
  connect() {
    this.#discard();
    this.#client = connect(this.url.href, {
      WebSocket: recordingSocket({
        opened: (socket) => (this.#socket = socket),
        frame: (socket, frame) => this.#socket === socket && this.#recorded(frame),
      }),
      token: () => this.token() || undefined,
      minDelayMs: MIN_DELAY_MS,
    });
    this.#unsubscribe = this.#client.onState((change) => this.#changed(change));
    this.#setState('connecting');
  }

  /** Closes without reconnecting. */
  close() {
    const hadSocket = this.#socket !== undefined;
    this.#discard();
    if (hadSocket) this.#emit('closed', { code: 1000, reason: '', advice: 'none', wasOpen: true });
    this.#setState('idle');
  }

  /**
   * Sends a frame as it is. The client's own `send` would encode `data` again, and change its large numbers and the
   * order of its keys.
   */
  send(text) {
    if (this.state === 'open') this.#socket.sendFrame(text);
  }

  #recorded(frame) {
    if (frame.envelope.type === 'sys.welcome') this.welcome = frame.envelope;
    this.#emit('frame', frame);
  }

  /** Follows the client, but does not reconnect where only a new token would help. */
  #changed({ phase, code, reason, delayMs }) {
    if (phase === 'connecting' || phase === 'open') return this.#setState(phase);
    const { closeCodes, auth } = this.tables;
    const wasOpen = this.state === 'open';
    const advice = closeCodes[code]?.advice ?? (phase === 'waiting' ? 'back_off' : 'stop');
    const needsToken = advice === 'new_token' || (!wasOpen && auth === 'required' && !this.token());
    this.#socket = undefined;
    this.#emit('closed', { code, reason, advice, wasOpen });
    if (phase === 'closed' || needsToken) {
      this.#discard();
      return this.#setState('idle');
    }
    this.dueAt = performance.now() + delayMs;
    return this.#setState('waiting');
  }

  #discard() {
    this.#unsubscribe?.();
    this.#client?.close();
    this.#client = this.#socket = this.#unsubscribe = undefined;
  }

  #setState(state) {
    this.state = state;
    this.#emit('state', state);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Makes a WebSocket class that reports its sockets and frames; a received frame before the client handles it. */
function recordingSocket({ opened, frame }) {
  return class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      opened(this);
      this.addEventListener('message', ({ data }) => frame(this, { text: data, envelope: parse(data), out: false }));
    }

    /** Called by the client, which sends only keepalive pings in the console. */
    send(text) {
      this.sendFrame(text, true);
    }

    /** Reports first, so that no answer can be reported before its request. */
    sendFrame(text, background = false) {
      frame(this, { text, envelope: parse(text), out: true, background });
      super.send(text);
    }
  };
}

/** Parses a frame for the log, which shows malformed frames, too. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { type: 'malformed', data: text };
  }
}
