import { beforeNextPicture, element } from './element.js';

const ROW_PX = 36;
const SPARE_ROWS = 4;
let lists = 0;

/** The list of sessions: however long it is, only what is in sight is in the page. */
export class RosterView {
  /** The id under the keyboard. */
  #current;
  #ids = [];
  #rows = [];
  #wanted = '';

  /**
   * @param parts the elements `list`, `count`, `nobody` and `find`
   * @param marks a short word for an id, or nothing
   * @param pick called with the id that was chosen
   */
  constructor(roster, parts, marks, pick) {
    this.roster = roster;
    this.parts = parts;
    this.marks = marks;
    this.pick = pick;
    this.name = `list-${++lists}`;
    this.floor = element('div', 'floor');
    this.floor.setAttribute('role', 'presentation');
    parts.list.append(this.floor);
    this.draw = beforeNextPicture(() => this.#draw());
    this.renew = beforeNextPicture(() => this.#renew());
    roster.addEventListener('change', this.renew);
    parts.list.addEventListener('scroll', this.draw, { passive: true });
    parts.list.addEventListener('keydown', (event) => this.#key(event));
    parts.list.addEventListener('click', ({ target }) => this.#choose(target.closest('[data-id]')?.dataset.id));
    parts.find.addEventListener('input', () => {
      this.#wanted = parts.find.value.trim().toLowerCase();
      this.renew();
    });
    new ResizeObserver(this.draw).observe(parts.list);
    this.#renew();
  }

  #renew() {
    const { sessions, total } = this.roster;
    const wanted = this.#wanted;
    const ids = [...sessions.keys()].filter((id) => !wanted || this.#matches(id, wanted));
    const near = ids.filter((id) => this.marks(id)); // the two of this page first, one's own before the other
    if (this.marks(near[1]) === 'you') near.reverse();
    this.#ids = near.length ? [...near, ...ids.filter((id) => !this.marks(id))] : ids;
    this.parts.count.textContent = total.toLocaleString('en');
    this.parts.list.hidden = this.#ids.length === 0;
    this.parts.nobody.hidden = this.#ids.length > 0;
    this.parts.nobody.textContent =
      sessions.size > 0 ? 'No session matches.' : 'Nobody yet. Connect to see who is here.';
    this.floor.style.height = `${this.#ids.length * ROW_PX}px`;
    this.#draw();
  }

  #matches(id, wanted) {
    return `${id} ${this.roster.sessions.get(id) ?? ''}`.toLowerCase().includes(wanted);
  }

  #draw() {
    const { list } = this.parts;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - SPARE_ROWS);
    const count = Math.min(this.#ids.length - first, Math.ceil(list.clientHeight / ROW_PX) + 2 * SPARE_ROWS);
    while (this.#rows.length < count) this.#rows.push(this.floor.appendChild(newRow()));
    while (this.#rows.length > Math.max(0, count)) this.#rows.pop().remove();
    this.#rows.forEach((row, at) => this.#fill(row, first + at));
    const shown = this.#rows.find((row) => row.dataset.id === this.#current);
    if (shown) list.setAttribute('aria-activedescendant', shown.id);
    else list.removeAttribute('aria-activedescendant');
  }

  #fill(row, at) {
    const id = this.#ids[at];
    const [name, mark] = row.children;
    const dot = id.indexOf('.') + 1; // all sessions of a node begin alike
    row.id = `${this.name}-${at}`;
    row.dataset.id = id;
    row.style.transform = `translateY(${at * ROW_PX}px)`;
    row.setAttribute('aria-setsize', this.#ids.length);
    row.setAttribute('aria-posinset', at + 1);
    row.setAttribute('aria-selected', String(id === this.#current));
    name.firstChild.textContent = id.slice(0, dot);
    name.lastChild.textContent = id.slice(dot);
    name.title = id;
    mark.textContent = this.marks(id) ?? this.roster.sessions.get(id) ?? '';
  }

  #key(event) {
    const at = this.#ids.indexOf(this.#current);
    const page = Math.max(1, Math.floor(this.parts.list.clientHeight / ROW_PX) - 1);
    const last = this.#ids.length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last }[
      event.key
    ];
    if (to !== undefined) this.#moveTo(Math.max(0, Math.min(last, to)));
    else if (event.key === 'Enter' || event.key === ' ') this.#choose(this.#current);
    else return;
    event.preventDefault();
  }

  #moveTo(at) {
    const { list } = this.parts;
    this.#current = this.#ids[at];
    const top = at * ROW_PX;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW_PX > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PX - list.clientHeight;
    this.#draw();
  }

  #choose(id) {
    if (id === undefined) return;
    this.#current = id;
    this.#draw();
    this.pick(id);
  }
}

function newRow() {
  const row = element('div', 'session');
  row.setAttribute('role', 'option');
  const name = element('span', 'mono session-id');
  name.append(element('span', 'node'), element('span'));
  row.append(name, element('span', 'mark'));
  return row;
}
