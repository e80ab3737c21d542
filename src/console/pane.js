import { AwaySessions } from './away-sessions.js';
import { Composer } from './composer.js';
import { ConsoleConnection } from './console-connection.js';
import { copy } from './element.js';
import { explainClose, explainError, explainNoReturn, explainReturn } from './explain.js';
import { FrameLog } from './frame-log.js';
import { FrameLogView } from './frame-log-view.js';
import { Latency } from './latency.js';
import { RoomList } from './room-list.js';
import { RoomListView } from './room-list-view.js';
import { SessionList } from './session-list.js';
import { SessionListView } from './session-list-view.js';
import { startTabs } from './tabs.js';
import { WatchList } from './watch-list.js';
import { WatchListView } from './watch-list-view.js';

const STATES = { idle: 'Not connected', connecting: 'Connecting', open: 'Connected', waiting: 'Reconnecting' };

/** Shows one session of the console: its state, the session list, the composer and the frame log. */
export class Pane {
  /**
   * @param names `name` of this pane and `otherName` of the other pane, one letter each
   * @param token returns the current token, or an empty string
   * @param otherId returns the session id of the other pane
   */
  constructor({ name, otherName }, tables, token, otherId) {
    this.name = name;
    this.root = document.getElementById('pane').content.firstElementChild.cloneNode(true);
    this.elements = elementsOf(this.root, name);
    this.connection = new ConsoleConnection(tables, token);
    this.token = token;
    const { elements, connection } = this;
    elements.name.textContent = `Session ${name}`;
    elements.toOther.textContent = `Session ${otherName}`;
    const frameLog = new FrameLog(connection);
    const composer = new Composer(connection, frameLog, elements, otherId);
    const labelOf = (id) => (id === connection.id ? 'you' : id === otherId() ? otherName : undefined);
    const setReceiver = (id) => composer.setReceiver(id);
    const awaySessions = new AwaySessions(connection);
    const labels = { labelOf, isAway: (id) => awaySessions.has(id) };
    this.sessionListView = new SessionListView(new SessionList(connection), elements, labels, setReceiver);
    this.roomListView = new RoomListView(new RoomList(connection, frameLog), elements, labels, setReceiver);
    awaySessions.addEventListener('change', () => {
      this.sessionListView.refresh();
      this.roomListView.refresh();
    });
    this.watchListView = new WatchListView(new WatchList(connection, frameLog), elements, setReceiver);
    startTabs(elements.tabs);
    this.frameLogView = new FrameLogView(frameLog, elements, (entry) => this.#explain(entry));
    this.latency = new Latency(connection, elements);
    elements.copyId.addEventListener('click', () => copy(connection.id, elements.copyId));
    elements.connect.addEventListener('click', () =>
      connection.state === 'idle' ? connection.connect() : connection.close(),
    );
    elements.cut.addEventListener('click', () => connection.cut());
    connection.addEventListener('state', () => this.#showState());
    frameLog.addEventListener('returned', ({ detail }) =>
      this.#showAdvice(explainReturn(connection.welcome.data, detail)),
    );
    connection.addEventListener('closed', ({ detail }) => this.#showClose(detail));
    setInterval(() => this.#showWait(), 250);
    this.#showState();
  }

  #explain({ kind, envelope, ...close }) {
    const { tables } = this.connection;
    return kind === 'close' ? explainClose(close, tables, Boolean(this.token())) : explainError(envelope.data, tables);
  }

  #showState() {
    const { elements, connection } = this;
    this.root.dataset.state = connection.state;
    elements.state.textContent = stateOf(connection);
    elements.sessionId.textContent = connection.id ?? 'no session';
    elements.copyId.disabled = connection.id === undefined;
    const isOpen = connection.state === 'open';
    elements.join.disabled = elements.watch.disabled = elements.cut.disabled = !isOpen;
    elements.connect.textContent = { idle: 'Connect', open: 'Disconnect' }[connection.state] ?? 'Stop';
    if (isOpen) elements.advice.hidden = true;
    if (isOpen && connection.resumed === false) this.#showAdvice(explainNoReturn(connection.welcome.data));
    this.#showWait();
  }

  /** Counts down beside the state, outside its live region, so that screen readers do not announce every second. */
  #showWait() {
    const { state, dueAt } = this.connection;
    const text = state === 'waiting' ? `in ${Math.max(0, (dueAt - performance.now()) / 1000).toFixed(0)} s` : '';
    if (this.elements.wait.textContent !== text) this.elements.wait.textContent = text;
  }

  #showClose(closed) {
    if (closed.advice === 'none') return;
    this.#showAdvice(explainClose(closed, this.connection.tables, Boolean(this.token())));
  }

  #showAdvice({ title, explanation, advice = '' }) {
    this.elements.adviceTitle.textContent = title;
    this.elements.adviceText.textContent = `${explanation} ${advice}`;
    this.elements.advice.hidden = false;
  }
}

function stateOf({ state, away, resumed }) {
  if (away) return state === 'waiting' ? 'Away, reconnecting' : 'Away, connecting';
  return resumed ? 'Resumed' : STATES[state];
}

/** Collects the elements of a pane by their `data-element` and labels them with the name of the pane. */
function elementsOf(root, name) {
  const elements = {};
  for (const element of root.querySelectorAll('[data-element]')) elements[element.dataset.element] = element;
  root.setAttribute('aria-label', `Session ${name}`);
  elements.list.setAttribute('aria-label', `Connected sessions (${name})`);
  elements.tabs.setAttribute('aria-label', `Receivers of session ${name}`);
  for (const tab of elements.tabs.querySelectorAll('[data-tab]')) {
    tab.id = `tab-${tab.dataset.tab}-${name}`;
    const panel = root.querySelector(`[data-panel="${tab.dataset.tab}"]`);
    panel.id = `panel-${tab.dataset.tab}-${name}`;
    tab.setAttribute('aria-controls', panel.id);
    panel.setAttribute('aria-labelledby', tab.id);
  }
  elements.rows.setAttribute('aria-label', `Frames of session ${name}`);
  elements.result.id = `result-${name}`;
  for (const field of ['type', 'receiver', 'data', 'messageId'])
    elements[field].setAttribute('aria-describedby', elements.result.id);
  return elements;
}
