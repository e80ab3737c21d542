import { copy, onNextFrame } from './element.js';
import { createRow, showAnswer } from './frame-row.js';

/** Rows in the page; the log keeps more entries. */
const MAX_ROWS = 200;
const NOTICES = /^sys\.(arrived|departed|away|back|welcome|sessions|joined|left|room|presence)$/;
const VIEWS = {
  all: () => true,
  in: ({ kind }) => kind !== 'out',
  out: ({ kind }) => kind === 'out',
  messages: ({ kind, envelope }) => kind !== 'close' && !NOTICES.test(envelope.type),
  errors: ({ kind, envelope }) => kind === 'close' || envelope.type === 'sys.error',
};

/** Shows the frame log as rows, the newest last. Scrolls along unless the user has scrolled up. */
export class FrameLogView {
  #rows = new Map();
  #newEntries = [];
  #paused = false;
  #missed = 0;

  /** @param explain explains the entry of an error or a close */
  constructor(frameLog, elements, explain) {
    this.frameLog = frameLog;
    this.elements = elements;
    this.explain = explain;
    this.flush = onNextFrame(() => this.#flush());
    frameLog.addEventListener('entry', ({ detail }) => this.#add(detail));
    frameLog.addEventListener('answered', ({ detail }) => this.#showAnswer(detail));
    for (const input of [elements.filter, elements.view, elements.background])
      input.addEventListener('input', () => this.#rebuild());
    elements.pause.addEventListener('click', () => this.#togglePause());
    elements.clear.addEventListener('click', () => {
      frameLog.clear();
      this.#rebuild();
    });
    elements.copyFrames.addEventListener('click', () => copy(this.#text(), elements.copyFrames));
  }

  #add(entry) {
    if (!this.#matches(entry)) return;
    if (this.#paused) {
      this.#missed += 1;
      this.elements.pause.textContent = `Resume · ${this.#missed}`;
      return;
    }
    this.#newEntries.push(entry);
    if (this.#newEntries.length > MAX_ROWS) this.#newEntries.shift();
    this.flush();
  }

  #matches(entry) {
    const { background, filter, view } = this.elements;
    if (entry.background && !background.checked) return false;
    const text = `${entry.text ?? entry.code}`.toLowerCase();
    return VIEWS[view.value](entry) && text.includes(filter.value.trim().toLowerCase());
  }

  #flush() {
    const { rows, frameCount, noFrames } = this.elements;
    const atEnd = rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 24;
    for (const entry of this.#newEntries) {
      const row = createRow(entry, this.explain);
      this.#rows.set(entry, row);
      rows.append(row);
    }
    this.#newEntries = [];
    for (const [entry, row] of this.#rows) {
      if (this.#rows.size <= MAX_ROWS) break;
      row.remove();
      this.#rows.delete(entry);
    }
    frameCount.textContent = this.#rows.size.toLocaleString('en');
    noFrames.hidden = this.#rows.size > 0;
    if (atEnd) rows.scrollTop = rows.scrollHeight;
  }

  #showAnswer(request) {
    const row = this.#rows.get(request);
    if (row) showAnswer(row, request);
  }

  #rebuild() {
    const { rows } = this.elements;
    rows.replaceChildren();
    this.#rows.clear();
    this.#newEntries = this.frameLog.entries.filter((entry) => this.#matches(entry)).slice(-MAX_ROWS);
    this.#flush();
    rows.scrollTop = rows.scrollHeight;
  }

  #togglePause() {
    const { pause } = this.elements;
    this.#paused = !this.#paused;
    this.#missed = 0;
    pause.textContent = this.#paused ? 'Resume' : 'Pause';
    pause.setAttribute('aria-pressed', String(this.#paused));
    if (!this.#paused) this.#rebuild();
  }

  /** Returns the shown entries as text, one line each. */
  #text() {
    const lines = [...this.#rows.keys()].map(({ kind, at, text, code, reason }) =>
      [at.toISOString(), kind, text ?? `${code} ${reason}`].join(' '),
    );
    return lines.join('\n');
  }
}
