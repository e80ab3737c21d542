import { createElement, labelText, onNextFrame } from './element.js';

const ROW_PX = 36;
/** Rows beyond the visible ones, so that fast scrolling shows no gap. */
const SPARE_ROWS = 4;
let lists = 0;

/** Shows the session list. Only visible rows are in the page, however long the list is. */
export class SessionListView {
  /** The id selected with the keyboard. */
  #selected;
  #ids = [];
  #rows = [];
  #search = '';

  /**
   * @param elements `list`, `sessionCount`, `noSessions` and `find`
   * @param labelOf returns the label of one of the page's own sessions, `undefined` for other sessions
   * @param isAway returns whether a session is away
   * @param choose called with the id of the chosen session
   */
  constructor(sessionList, elements, { labelOf, isAway }, choose) {
    this.sessionList = sessionList;
    this.elements = elements;
    this.labelOf = labelOf;
    this.isAway = isAway;
    this.choose = choose;
    this.name = `list-${++lists}`;
    this.content = createElement('div');
    this.content.setAttribute('role', 'presentation');
    elements.list.append(this.content);
    this.draw = onNextFrame(() => this.#draw());
    this.refresh = onNextFrame(() => this.#refresh());
    sessionList.addEventListener('change', this.refresh);
    elements.list.addEventListener('scroll', this.draw, { passive: true });
    elements.list.addEventListener('keydown', (event) => this.#onKey(event));
    elements.list.addEventListener('click', ({ target }) => this.#choose(target.closest('[data-id]')?.dataset.id));
    elements.find.addEventListener('input', () => {
      this.#search = elements.find.value.trim().toLowerCase();
      this.refresh();
    });
    new ResizeObserver(this.draw).observe(elements.list);
    this.#refresh();
  }

  #refresh() {
    const { list, noSessions, sessionCount } = this.elements;
    const { sessions, total } = this.sessionList;
    const ids = [...sessions.keys()].filter((id) => this.#matches(id));
    const own = ids.filter((id) => this.labelOf(id)); // the page's sessions come first, this pane's before the other
    if (this.labelOf(own[1]) === 'you') own.reverse();
    this.#ids = own.length ? [...own, ...ids.filter((id) => !this.labelOf(id))] : ids;
    sessionCount.textContent = total.toLocaleString('en');
    list.hidden = this.#ids.length === 0;
    noSessions.hidden = this.#ids.length > 0;
    noSessions.textContent = sessions.size > 0 ? 'No session matches.' : 'No sessions. Connect to list them.';
    this.content.style.height = `${this.#ids.length * ROW_PX}px`;
    this.#draw();
  }

  #matches(id) {
    return (
      this.#search === '' || `${id} ${this.sessionList.sessions.get(id) ?? ''}`.toLowerCase().includes(this.#search)
    );
  }

  #draw() {
    const { list } = this.elements;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - SPARE_ROWS);
    const count = Math.min(this.#ids.length - first, Math.ceil(list.clientHeight / ROW_PX) + 2 * SPARE_ROWS);
    while (this.#rows.length < count) this.#rows.push(this.content.appendChild(createRow()));
    while (this.#rows.length > Math.max(0, count)) this.#rows.pop().remove();
    this.#rows.forEach((row, index) => this.#fill(row, first + index));
    const selected = this.#rows.find((row) => row.dataset.id === this.#selected);
    if (selected) list.setAttribute('aria-activedescendant', selected.id);
    else list.removeAttribute('aria-activedescendant');
  }

  #fill(row, index) {
    const id = this.#ids[index];
    const [name, label] = row.children;
    const nodeEnd = id.indexOf('.') + 1;
    row.id = `${this.name}-${index}`;
    row.dataset.id = id;
    row.style.transform = `translateY(${index * ROW_PX}px)`;
    row.setAttribute('aria-setsize', this.#ids.length);
    row.setAttribute('aria-posinset', index + 1);
    row.setAttribute('aria-selected', String(id === this.#selected));
    name.firstChild.textContent = id.slice(0, nodeEnd);
    name.lastChild.textContent = id.slice(nodeEnd);
    name.title = id;
    label.textContent = labelText(this.labelOf(id) ?? this.sessionList.sessions.get(id), this.isAway(id));
  }

  #onKey(event) {
    const index = this.#ids.indexOf(this.#selected);
    const page = Math.max(1, Math.floor(this.elements.list.clientHeight / ROW_PX) - 1);
    const last = this.#ids.length - 1;
    const targets = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (target !== undefined) this.#select(Math.max(0, Math.min(last, target)));
    else if (event.key === 'Enter' || event.key === ' ') this.#choose(this.#selected);
    else return;
    event.preventDefault();
  }

  #select(index) {
    const { list } = this.elements;
    this.#selected = this.#ids[index];
    const top = index * ROW_PX;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW_PX > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PX - list.clientHeight;
    this.#draw();
  }

  #choose(id) {
    if (id === undefined) return;
    this.#selected = id;
    this.#draw();
    this.choose(id);
  }
}

function createRow() {
  const row = createElement('div', 'session');
  row.setAttribute('role', 'option');
  const name = createElement('span', 'mono session-id');
  name.append(createElement('span', 'node-id'), createElement('span'));
  row.append(name, createElement('span', 'session-label'));
  return row;
}
