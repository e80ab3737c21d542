import { Pane } from './pane.js';
import { startTheme } from './theme.js';

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const byId = (id) => document.getElementById(id);
/** Kept in this page's memory only. */
let token = '';

startTheme(byId('theme'));
const tables = await (await fetch(new URL('tables.json', import.meta.url))).json();
const panes = [];
for (const [name, otherName] of ['AB', 'BA'])
  panes.push(
    new Pane(
      { name, otherName },
      tables,
      () => token,
      () => panes.find((pane) => pane.name === otherName)?.connection.id,
    ),
  );
byId('panes').replaceChildren(...panes.map(({ root }) => root));
const { url } = panes[0].connection;
byId('endpoint').textContent = url.host + url.pathname;
for (const { connection } of panes)
  connection.addEventListener('state', () =>
    panes.forEach(({ sessionListView, roomListView }) => {
      sessionListView.refresh();
      roomListView.refresh();
    }),
  );
show('A');
for (const button of document.querySelectorAll('[data-show]'))
  button.addEventListener('click', () => show(button.dataset.show));
startTokenForm();

/** Selects the pane that a narrow screen shows. */
function show(name) {
  for (const pane of panes) pane.root.classList.toggle('unselected', pane.name !== name);
  for (const button of document.querySelectorAll('[data-show]'))
    button.setAttribute('aria-pressed', String(button.dataset.show === name));
}

function startTokenForm() {
  const box = byId('token-box');
  box.hidden = tables.auth === 'off';
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const value = byId('token').value.trim();
    const valid = value === '' || JWT.test(value);
    byId('token-error').textContent = valid ? '' : 'This is not a JWT: a JWT has three parts separated by dots.';
    if (!valid) return;
    token = value;
    byId('token').value = '';
    byId('token-state').textContent = token ? 'set' : 'none';
    box.open = false;
    panes.forEach(({ connection }) => connection.connect());
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && box.open) {
      box.open = false;
      box.firstElementChild.focus();
    }
  });
  if (tables.auth === 'required') {
    box.open = true;
    byId('token').focus();
  } else panes.forEach(({ connection }) => connection.connect());
}
