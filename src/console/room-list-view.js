import { createButton, createElement, labelText, onNextFrame, shortId } from './element.js';

/** Members of a room in the page; the others are counted. */
const MAX_SHOWN = 50;

/** Shows the rooms of a session. Each opens to its members, and to the buttons that send to the room and leave it. */
export class RoomListView {
  /** Rows by the name of their room. */
  #rows = new Map();

  /**
   * @param elements `roomForm`, `roomName`, `rooms`, `noRooms` and `roomCount`
   * @param labelOf returns the label of one of the page's own sessions, `undefined` for other sessions
   * @param isAway returns whether a session is away
   * @param choose called with the receiver of the chosen room
   */
  constructor(roomList, elements, { labelOf, isAway }, choose) {
    this.roomList = roomList;
    this.elements = elements;
    this.labelOf = labelOf;
    this.isAway = isAway;
    this.choose = choose;
    this.refresh = onNextFrame(() => this.#refresh());
    roomList.addEventListener('change', this.refresh);
    elements.roomForm.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = elements.roomName.value.trim().replace(/^#/, '');
      if (name) roomList.join(name);
      elements.roomName.value = '';
    });
  }

  #refresh() {
    const { rooms } = this.roomList;
    for (const [name, { row }] of this.#rows) {
      if (rooms.has(name)) continue;
      row.remove();
      this.#rows.delete(name);
    }
    for (const [name, room] of rooms) {
      if (!this.#rows.has(name)) this.#rows.set(name, this.#createRow(name));
      this.#fill(this.#rows.get(name), room);
    }
    this.elements.roomCount.textContent = String(rooms.size);
    this.elements.rooms.hidden = rooms.size === 0;
    this.elements.noRooms.hidden = rooms.size > 0;
  }

  #createRow(name) {
    const row = createElement('li');
    const details = createElement('details', 'group');
    details.open = true;
    const summary = createElement('summary');
    const count = createElement('span', 'count');
    summary.append(createElement('span', 'mono group-name', `#${name}`), count);
    const actions = createElement('div', 'chips');
    actions.append(
      createButton('Send to the room', () => this.choose(`#${name}`)),
      createButton('Leave', () => this.roomList.leave(name)),
    );
    const members = createElement('ul', 'members');
    const more = createElement('p', 'note');
    details.append(summary, actions, members, more);
    row.append(details);
    this.elements.rooms.append(row);
    return { row, count, members, more, shown: '' };
  }

  #fill(cells, { total, members }) {
    cells.count.textContent = total === undefined ? 'joining' : total.toLocaleString('en');
    const shown = [...(members ?? [])].slice(0, MAX_SHOWN);
    cells.more.textContent = members ? textOfMore(total - shown.length) : textOfNone(total);
    const labels = shown.map(([id, user]) => `${shortId(id)} ${this.#labelOf(id, user)}`);
    if (cells.shown === labels.join('\n')) return;
    cells.shown = labels.join('\n');
    cells.members.replaceChildren(...shown.map(([id, user]) => this.#createMember(id, user)));
  }

  #createMember(id, user) {
    const member = createElement('li');
    const name = createElement('span', 'mono', shortId(id));
    name.title = id;
    member.append(name, createElement('span', 'session-label', this.#labelOf(id, user)));
    return member;
  }

  #labelOf(id, user) {
    return labelText(this.labelOf(id) ?? user, this.isAway(id));
  }
}

function textOfMore(more) {
  return more > 0 ? `and ${more.toLocaleString('en')} more` : '';
}

function textOfNone(total) {
  return total === undefined ? '' : 'Too many members to list.';
}
