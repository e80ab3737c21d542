/** Makes an element; text is only ever text, so that nothing in the document can become markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== ''));
  return made;
}

/** A sentence in which what stands between backticks is code. */
export function prose(text = '') {
  return text.split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part));
}

/** A table that can be pushed sideways where the screen is narrow. */
export function table(label, heads, rows) {
  const head = element('tr', {}, ...heads.map((text) => element('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => element('tr', {}, ...cells.map((cell, index) => cellOf(cell, index, heads[index]))));
  const made = element('table', {}, element('thead', {}, head), element('tbody', {}, ...body));
  return element('div', { class: 'table', role: 'region', 'aria-label': label, tabindex: '0' }, made);
}

function cellOf(cell, index, head) {
  const content = [cell].flat();
  return index === 0 ? element('th', { scope: 'row' }, ...content) : element('td', { 'data-head': head }, ...content);
}

/** A frame as it goes over the wire, with a button that copies it. */
export function frame(value, label) {
  const text = JSON.stringify(value);
  const shown = element('pre', { tabindex: '0', 'aria-label': label }, element('code', {}, ...coloured(value)));
  const copy = element('button', { type: 'button', class: 'copy' }, 'Copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = 'Copied';
    setTimeout(() => (copy.textContent = 'Copy'), 1500);
  });
  return element('div', { class: 'example' }, shown, copy);
}

/** JSON with its strings, names and numbers told apart. */
function coloured(value) {
  const text = JSON.stringify(value, null, 2);
  const short = text.replaceAll(/\n\s*/g, ' ');
  const lines = short.length < 80 ? short : text;
  const parts = [];
  let end = 0;
  for (const found of lines.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?|true|false|null/g)) {
    parts.push(lines.slice(end, found.index));
    const kind = found[1] !== undefined ? 'key' : found[0].startsWith('"') ? 'text' : 'number';
    parts.push(element('span', { class: `json-${kind}` }, found[0]));
    end = found.index + found[0].length;
  }
  return [...parts, lines.slice(end)];
}
