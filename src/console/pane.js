import { Composer } from './composer.js';
import { copy } from './element.js';
import { explainClose, explainError } from './explain.js';
import { JournalView } from './journal-view.js';
import { Journal } from './journal.js';
import { Latency } from './latency.js';
import { Link } from './link.js';
import { RosterView } from './roster-view.js';
import { Roster } from './roster.js';

const STATES = { idle: 'Not connected', connecting: 'Connecting', open: 'Connected', waiting: 'Comes again' };

/** One session with all that is seen of it. */
export class Pane {
  /** @param name one letter, as is that of the pane beside @param token asked for at each attempt @param other the id of the session beside */
  constructor(name, otherName, tables, token, other) {
    this.name = name;
    this.root = document.getElementById('pane').content.firstElementChild.cloneNode(true);
    this.parts = partsOf(this.root, name);
    this.link = new Link(tables, token);
    this.token = token;
    const { parts, link } = this;
    parts.name.textContent = `Session ${name}`;
    parts.toOther.textContent = `Session ${otherName}`;
    const journal = new Journal(link);
    const composer = new Composer(link, journal, parts, other);
    const marks = (id) => (id === link.id ? 'you' : id === other() ? otherName : undefined);
    this.rosterView = new RosterView(new Roster(link), parts, marks, (id) => composer.address(id));
    this.journalView = new JournalView(journal, parts, (entry) => this.#explain(entry));
    this.latency = new Latency(link, parts);
    parts.copy.addEventListener('click', () => copy(link.id, parts.copy));
    parts.connect.addEventListener('click', () => (link.state === 'idle' ? link.connect() : link.close()));
    link.addEventListener('state', () => this.#show());
    link.addEventListener('closed', ({ detail }) => this.#advise(detail));
    setInterval(() => this.#showWait(), 250);
    this.#show();
  }

  #explain({ kind, envelope, ...close }) {
    const { tables } = this.link;
    return kind === 'close' ? explainClose(close, tables, Boolean(this.token())) : explainError(envelope.data, tables);
  }

  #show() {
    const { parts, link } = this;
    this.root.dataset.state = link.state;
    parts.state.textContent = STATES[link.state];
    parts.id.textContent = link.id ?? 'no session';
    parts.copy.disabled = link.id === undefined;
    parts.connect.textContent = { idle: 'Connect', open: 'Disconnect' }[link.state] ?? 'Stop';
    if (link.state === 'open') parts.advice.hidden = true;
    this.#showWait();
  }

  /** Beside the state and not in it: a screen reader is not told every second. */
  #showWait() {
    const { state, dueAt } = this.link;
    const text = state === 'waiting' ? `in ${Math.max(0, (dueAt - performance.now()) / 1000).toFixed(0)} s` : '';
    if (this.parts.wait.textContent !== text) this.parts.wait.textContent = text;
  }

  #advise(closed) {
    if (closed.advice === 'none') return;
    const { title, words, todo } = explainClose(closed, this.link.tables, Boolean(this.token()));
    this.parts.adviceTitle.textContent = title;
    this.parts.adviceWords.textContent = `${words} ${todo}`;
    this.parts.advice.hidden = false;
  }
}

/** The marked elements of a pane by name, with labels that say which pane. */
function partsOf(root, name) {
  const parts = {};
  for (const part of root.querySelectorAll('[data-part]')) parts[part.dataset.part] = part;
  root.setAttribute('aria-label', `Session ${name}`);
  parts.list.setAttribute('aria-label', `Sessions that ${name} sees`);
  parts.rows.setAttribute('aria-label', `Frames of session ${name}`);
  parts.verdict.id = `verdict-${name}`;
  for (const field of ['type', 'receiver', 'data', 'ref'])
    parts[field].setAttribute('aria-describedby', parts.verdict.id);
  return parts;
}
