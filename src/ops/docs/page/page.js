import { createElement } from './element.js';
import { createSections } from './sections.js';

const status = document.querySelector('#status');

try {
  const response = await fetch(new URL('../asyncapi.json', import.meta.url));
  if (!response.ok) throw new Error(`status ${response.status}`);
  show(await response.json());
} catch (error) {
  status.textContent = `Cannot load asyncapi.json: ${error.message}.`;
}

function show(asyncApi) {
  document.querySelector('#version').textContent = `v${asyncApi.info.version}`;
  document.querySelector('#summary').textContent = asyncApi.info.description;
  const sections = createSections(asyncApi);
  document.querySelector('#content').append(...sections.map(({ body }) => body));
  document.querySelector('#contents').append(...sections.map(createEntry));
  status.remove();
  document.querySelector('#find').addEventListener('input', ({ target }) => filter(target.value, sections));
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

/** Creates the entry of a section in the table of contents, with its messages below. */
function createEntry({ id, title, body }) {
  const messages = [...body.querySelectorAll('.message > h3')].map((heading) =>
    createElement('li', {}, createElement('a', { href: `#${heading.id}` }, heading.textContent)),
  );
  const list = messages.length > 0 ? [createElement('ol', {}, ...messages)] : [];
  return createElement('li', {}, createElement('a', { href: `#${id}`, class: 'section-link' }, title), ...list);
}

/** Hides the messages, table rows and sections that do not contain the text. */
function filter(text, sections) {
  const search = text.trim().toLowerCase();
  const contains = (node) => node.textContent.toLowerCase().includes(search);
  for (const { id, body } of sections) {
    const items = body.querySelectorAll('.message, :scope > .table tbody tr');
    for (const item of items) item.hidden = !contains(item);
    body.hidden = search !== '' && items.length > 0 && [...items].every(({ hidden }) => hidden);
    document.querySelector(`#contents a[href="#${id}"]`).parentElement.hidden = body.hidden;
  }
  for (const link of document.querySelectorAll(`#contents a[href^="#message-"]`)) {
    const heading = document.getElementById(link.hash.slice(1));
    link.parentElement.hidden = heading.closest('.message').hidden;
  }
}
