import { connect } from '../client.js'; // the bundle, which the server serves beside /console/

/** Upper bound of the first wait; shorter than the client's default, because somebody is watching the page. */
const MIN_DELAY_MS = 500;
/** A close code of applications, after which the session is away and may return. */
const CUT = 4999;
/** How long a cut lasts: longer than the server waits by default before it notifies the others. */
const CUT_MS = 4000;

/**
 * Connects one session of the console. The bundled client at `/client.js` connects, reconnects, returns to the session and
 * detects silent connections. This class adds what the client hides from applications: the text of each frame, received or
 * sent, and the advice of the server's table of close codes.
 *
 * `state` is `idle`, `connecting`, `open` or `waiting`. Events: `state`; `frame` with
 * `{text, envelope, out, background, again}`; `closed` with `{code, reason, advice, wasOpen, away}`.
 */
export class ConsoleConnection extends EventTarget {
  state = 'idle';
  /** Whether the session has no connection and may return. */
  away = false;
  /** Whether the open session has returned; undefined for the first session of the console. */
  resumed;
  /** The last `sys.welcome`. */
  welcome;
  /** The time of the next attempt on the clock of `performance.now()`, while waiting. */
  dueAt = 0;
  #client;
  #socket;
  #unsubscribe;
  /** Set while a frame of the user or of the console is sent; the client sends all others. */
  #isSending = false;
  /** Resolves at the end of the last cut. */
  #restored;

  /** @param tables the server's `tables.json` @param token returns the current token, or an empty string */
  constructor(tables, token) {
    super();
    this.tables = tables;
    this.token = token;
  }

  get id() {
    return this.state === 'open' || this.away ? this.welcome?.receiver : undefined;
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
      token: () => this.#tokenAfterCut(),
      minDelayMs: MIN_DELAY_MS,
    });
    this.#unsubscribe = this.#client.onState((change) => this.#changed(change));
    this.#setState('connecting');
  }

  /** Closes without reconnecting. */
  close() {
    const hadSocket = this.#socket !== undefined;
    this.#discard();
    if (hadSocket) this.#emit('closed', { code: 1000, reason: '', advice: 'none', wasOpen: true, away: false });
    this.#setState('idle');
  }

  /** Cuts the connection for a few seconds, as a lost network does. The session is away meanwhile. */
  cut() {
    if (this.state !== 'open') return;
    this.#restored = new Promise((resolve) => {
      setTimeout(resolve, CUT_MS);
    });
    this.#socket.close(CUT);
  }

  /**
   * Sends a frame as it is. The client's own `send` would encode `data` again, and change its large numbers and the
   * order of its keys.
   */
  send(text) {
    if (this.state !== 'open') return;
    this.#isSending = true;
    this.#client.postText(text);
    this.#isSending = false;
  }

  /** The client awaits a token before each connection, so a cut delays the token. */
  async #tokenAfterCut() {
    await this.#restored;
    return this.token() || undefined;
  }

  /** Adds whether the client sent a frame by itself, and whether it is one that the server has not received before. */
  #recorded(frame) {
    const { envelope, out } = frame;
    if (!out && envelope.type === 'sys.welcome') this.welcome = envelope;
    const again = out && this.state !== 'open';
    this.#emit('frame', { ...frame, again, background: out && !this.#isSending && !again });
  }

  /** Follows the client, but does not reconnect where only a new token would help. */
  #changed({ phase, code, reason, delayMs, away = false, resumed }) {
    this.away = away;
    this.resumed = resumed;
    if (phase === 'connecting' || phase === 'open') return this.#setState(phase);
    const { closeCodes, auth } = this.tables;
    const wasOpen = this.state === 'open';
    const advice = closeCodes[code]?.advice ?? (phase === 'waiting' ? 'back_off' : 'stop');
    const needsToken = advice === 'new_token' || (!wasOpen && auth === 'required' && !this.token());
    this.#socket = undefined;
    this.#emit('closed', { code, reason, advice, wasOpen, away });
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
    this.#client = this.#socket = this.#unsubscribe = this.#restored = this.resumed = undefined;
    this.away = false;
  }

  #setState(state) {
    this.state = state;
    this.#emit('state', state);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Makes a WebSocket class that reports its sockets and frames; each frame before the client or the server handles it. */
function recordingSocket({ opened, frame }) {
  return class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      opened(this);
      this.addEventListener('message', ({ data }) => frame(this, { text: data, envelope: parse(data), out: false }));
    }

    /** Reports first, so that no answer can be reported before its request. */
    send(text) {
      frame(this, { text, envelope: parse(text), out: true });
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
