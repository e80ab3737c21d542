import { Pane } from './pane.js';
import { startTheme } from './theme.js';

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const at = (id) => document.getElementById(id);
/** In this page's memory and nowhere else. */
let token = '';

startTheme(at('theme'));
const tables = await (await fetch('/console/tables.json')).json();
const panes = [];
for (const [name, other] of ['AB', 'BA'])
  panes.push(
    new Pane(
      name,
      other,
      tables,
      () => token,
      () => beside(name)?.link.id,
    ),
  );
at('panes').replaceChildren(...panes.map(({ root }) => root));
at('where').textContent = location.host + tables.wsPath;
for (const { link } of panes)
  link.addEventListener('state', () => panes.forEach(({ rosterView }) => rosterView.renew()));
showOne('A');
for (const button of document.querySelectorAll('[data-show]'))
  button.addEventListener('click', () => showOne(button.dataset.show));
startToken();

function beside(name) {
  return panes.find((pane) => pane.name !== name);
}

/** On a narrow screen one pane is seen at a time. */
function showOne(name) {
  for (const pane of panes) pane.root.classList.toggle('aside', pane.name !== name);
  for (const button of document.querySelectorAll('[data-show]'))
    button.setAttribute('aria-pressed', String(button.dataset.show === name));
}

function startToken() {
  const box = at('token-box');
  box.hidden = tables.auth === 'off';
  at('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const value = at('token').value.trim();
    const sound = value === '' || JWT.test(value);
    at('token-fault').textContent = sound ? '' : 'That is no JWT: it has three parts with dots between.';
    if (!sound) return;
    token = value;
    at('token').value = '';
    at('token-state').textContent = token ? 'set' : 'none';
    box.open = false;
    panes.forEach(({ link }) => link.connect());
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && box.open) {
      box.open = false;
      box.firstElementChild.focus();
    }
  });
  if (tables.auth === 'required') {
    box.open = true;
    at('token').focus();
  } else panes.forEach(({ link }) => link.connect());
}
