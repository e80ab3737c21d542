import { beforeNextPicture, copy } from './element.js';
import { rowOf, showAnswer } from './journal-row.js';

/** Rows in the page; the journal keeps more. */
const MOST_ROWS = 200;
const VIEWS = {
  all: () => true,
  in: ({ kind }) => kind !== 'out',
  out: ({ kind }) => kind === 'out',
  talk: ({ kind, envelope }) => kind !== 'close' && !/^sys\.(arrived|departed|welcome|sessions)$/.test(envelope.type),
  error: ({ kind, envelope }) => kind === 'close' || envelope.type === 'sys.error',
};

/** The frames of a session as rows, the newest last; follows the newest unless the reader has scrolled up. */
export class JournalView {
  #rows = new Map();
  #fresh = [];
  #paused = false;
  #missed = 0;

  constructor(journal, parts, explain) {
    this.journal = journal;
    this.parts = parts;
    this.explain = explain;
    this.flush = beforeNextPicture(() => this.#flush());
    journal.addEventListener('entry', ({ detail }) => this.#take(detail));
    journal.addEventListener('answered', ({ detail }) => this.#answered(detail));
    for (const part of [parts.filter, parts.view, parts.background])
      part.addEventListener('input', () => this.#renew());
    parts.pause.addEventListener('click', () => this.#pause());
    parts.clear.addEventListener('click', () => {
      journal.clear();
      this.#renew();
    });
    parts.copyLog.addEventListener('click', () => copy(this.#text(), parts.copyLog));
  }

  #take(entry) {
    if (!this.#wants(entry)) return;
    if (this.#paused) {
      this.#missed += 1;
      this.parts.pause.textContent = `Resume · ${this.#missed}`;
      return;
    }
    this.#fresh.push(entry);
    if (this.#fresh.length > MOST_ROWS) this.#fresh.shift();
    this.flush();
  }

  #wants(entry) {
    if (entry.own && !this.parts.background.checked) return false;
    const words = this.parts.filter.value.trim().toLowerCase();
    return VIEWS[this.parts.view.value](entry) && `${entry.text ?? entry.code}`.toLowerCase().includes(words);
  }

  #flush() {
    const { rows } = this.parts;
    const atEnd = rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 24;
    for (const entry of this.#fresh) {
      const row = rowOf(entry, this.explain);
      this.#rows.set(entry, row);
      rows.append(row);
    }
    this.#fresh = [];
    for (const [entry, row] of this.#rows) {
      if (this.#rows.size <= MOST_ROWS) break;
      row.remove();
      this.#rows.delete(entry);
    }
    this.#count();
    if (atEnd) rows.scrollTop = rows.scrollHeight;
  }

  #answered(question) {
    const row = this.#rows.get(question);
    if (row) showAnswer(row, question);
  }

  #renew() {
    this.parts.rows.replaceChildren();
    this.#rows.clear();
    this.#fresh = this.journal.entries.filter((entry) => this.#wants(entry)).slice(-MOST_ROWS);
    this.#flush();
    this.parts.rows.scrollTop = this.parts.rows.scrollHeight;
  }

  #count() {
    this.parts.frames.textContent = this.#rows.size.toLocaleString('en');
    this.parts.silence.hidden = this.#rows.size > 0;
  }

  #pause() {
    this.#paused = !this.#paused;
    this.#missed = 0;
    this.parts.pause.textContent = this.#paused ? 'Resume' : 'Pause';
    this.parts.pause.setAttribute('aria-pressed', String(this.#paused));
    if (!this.#paused) this.#renew();
  }

  /** What is shown, a line each, fit to be sent to somebody. */
  #text() {
    const lines = [...this.#rows.keys()].map(({ kind, at, text, code, reason }) =>
      [at.toISOString(), kind, text ?? `${code} ${reason}`].join(' '),
    );
    return lines.join('\n');
  }
}
