/** Creates an element. Text only ever becomes text, never markup. */
export function createElement(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== undefined && child !== ''));
  return element;
}

/** Renders text between backticks as code. Returns a list of children. */
export function prose(text = '') {
  return text.split('`').map((run, index) => (index % 2 === 1 ? createElement('code', {}, run) : run));
}

/** Creates a table that scrolls sideways on a narrow screen. */
export function createTable(label, headings, rows) {
  const head = createElement('tr', {}, ...headings.map((text) => createElement('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => createElement('tr', {}, ...cells.map((cell, index) => createCell(cell, index))));
  const table = createElement('table', {}, createElement('thead', {}, head), createElement('tbody', {}, ...body));
  return createElement('div', { class: 'table', role: 'region', 'aria-label': label, tabindex: '0' }, table);
}

function createCell(cell, index) {
  const children = [cell].flat();
  return index === 0 ? createElement('th', { scope: 'row' }, ...children) : createElement('td', {}, ...children);
}

/** Shows a frame with a button that copies it as it goes over the wire. */
export function createFrame(value, label) {
  const text = JSON.stringify(value);
  const code = createElement(
    'pre',
    { tabindex: '0', 'aria-label': label },
    createElement('code', {}, ...highlight(value)),
  );
  const copy = createElement('button', { type: 'button', class: 'copy' }, 'Copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = 'Copied';
    setTimeout(() => (copy.textContent = 'Copy'), 1500);
  });
  return createElement('div', { class: 'snippet' }, code, copy);
}

/** Highlights the keys, strings and numbers of JSON; short values stay on one line. */
function highlight(value) {
  const indented = JSON.stringify(value, null, 2);
  const oneLine = indented.replaceAll(/\n\s*/g, ' ');
  const text = oneLine.length < 80 ? oneLine : indented;
  const children = [];
  let end = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?|true|false|null/g)) {
    children.push(text.slice(end, match.index));
    const kind = match[1] !== undefined ? 'key' : match[0].startsWith('"') ? 'text' : 'number';
    children.push(createElement('span', { class: `json-${kind}` }, match[0]));
    end = match.index + match[0].length;
  }
  return [...children, text.slice(end)];
}
