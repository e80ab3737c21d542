import { createButton, createElement, onNextFrame } from './element.js';

/** Shows the watched users of a session, and whether they are online. */
export class WatchListView {
  /** Rows by user. */
  #rows = new Map();

  /**
   * @param elements `watchForm`, `userName`, `users`, `noUsers` and `userCount`
   * @param choose called with the receiver of the chosen user
   */
  constructor(watchList, elements, choose) {
    this.watchList = watchList;
    this.elements = elements;
    this.choose = choose;
    this.refresh = onNextFrame(() => this.#refresh());
    watchList.addEventListener('change', this.refresh);
    elements.watchForm.addEventListener('submit', (event) => {
      event.preventDefault();
      const user = elements.userName.value.trim().replace(/^@/, '');
      if (user) watchList.watch(user);
      elements.userName.value = '';
    });
  }

  #refresh() {
    const { users } = this.watchList;
    for (const [user, { row }] of this.#rows) {
      if (users.has(user)) continue;
      row.remove();
      this.#rows.delete(user);
    }
    for (const [user, sessions] of users) {
      if (!this.#rows.has(user)) this.#rows.set(user, this.#createRow(user));
      const { row, state } = this.#rows.get(user);
      row.dataset.online = String(sessions > 0);
      state.textContent = stateOf(sessions);
    }
    this.elements.userCount.textContent = String(users.size);
    this.elements.users.hidden = users.size === 0;
    this.elements.noUsers.hidden = users.size > 0;
  }

  #createRow(user) {
    const row = createElement('li', 'group');
    const head = createElement('p', 'group-head');
    const state = createElement('span', 'count');
    head.append(createElement('span', 'dot'), createElement('span', 'mono group-name', `@${user}`), state);
    const actions = createElement('div', 'chips');
    actions.append(
      createButton('Send to the user', () => this.choose(`@${user}`)),
      createButton('Unwatch', () => this.watchList.unwatch(user)),
    );
    row.append(head, actions);
    this.elements.users.append(row);
    return { row, state };
  }
}

function stateOf(sessions) {
  if (sessions === undefined) return 'asking';
  if (sessions === 0) return 'offline';
  return `online · ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
}
