import { element } from './element.js';
import { sections } from './sections.js';

const state = document.querySelector('#state');

try {
  const response = await fetch('/asyncapi.json');
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  show(await response.json());
} catch (error) {
  state.textContent = `The protocol could not be read: ${error.message}.`;
}

function show(protocol) {
  document.querySelector('#version').textContent = `v${protocol.info.version}`;
  document.querySelector('#summary').textContent = protocol.info.description;
  const parts = sections(protocol);
  document.querySelector('#content').append(...parts.map(({ body }) => body));
  document.querySelector('#contents').append(...parts.map(entry));
  state.remove();
  document.querySelector('#find').addEventListener('input', ({ target }) => find(target.value, parts));
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function entry({ id, title, body }) {
  const words = [...body.querySelectorAll('.word > h3')].map((heading) =>
    element('li', {}, element('a', { href: `#${heading.id}` }, heading.textContent)),
  );
  const list = words.length > 0 ? [element('ol', {}, ...words)] : [];
  return element('li', {}, element('a', { href: `#${id}`, class: 'part' }, title), ...list);
}

/** Leaves only what holds the text, words and rows alike. */
function find(text, parts) {
  const wanted = text.trim().toLowerCase();
  const holds = (node) => node.textContent.toLowerCase().includes(wanted);
  for (const { id, body } of parts) {
    const pieces = body.querySelectorAll('.word, :scope > .table tbody tr');
    for (const piece of pieces) piece.hidden = !holds(piece);
    body.hidden = wanted !== '' && pieces.length > 0 && [...pieces].every(({ hidden }) => hidden);
    document.querySelector(`#contents a[href="#${id}"]`).parentElement.hidden = body.hidden;
    for (const link of document.querySelectorAll(`#contents a[href^="#word-"]`)) {
      const heading = document.getElementById(link.hash.slice(1));
      link.parentElement.hidden = heading.closest('.word').hidden;
    }
  }
}
