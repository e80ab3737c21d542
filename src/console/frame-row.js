import { copy, element, shortId } from './element.js';

const ARROWS = { out: '→', in: '←', close: '×' };
const WORDS = { out: 'sent', in: 'received', close: 'closed' };
const PREVIEW_CHARACTERS = 160;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** One frame as a row that opens. @param explain words for an error or a close */
export function rowOf(entry, explain) {
  const kind = kindOf(entry);
  const notice = kind !== 'error' && `${entry.envelope.type}`.startsWith('sys.');
  const row = element('details', `row row-${kind}${notice ? ' notice' : ''}`);
  const line = element('summary');
  const arrow = element('span', 'arrow', ARROWS[entry.kind]);
  arrow.setAttribute('aria-hidden', 'true');
  line.append(
    element('time', 'mono at', timeOf(entry.at)),
    arrow,
    element('span', 'unseen', WORDS[entry.kind]),
    element('span', 'mono type', entry.envelope?.type ?? `close ${entry.code}`),
    element('span', 'mono peer', peerOf(entry)),
    element('span', 'mono preview', previewOf(entry, explain)),
    element('span', 'took'),
  );
  row.append(line);
  row.addEventListener('toggle', () => row.open && row.children.length === 1 && row.append(bodyOf(entry, explain)));
  showAnswer(row, entry);
  return row;
}

/** Writes at a message what became of it, and at an answer how long it took. */
export function showAnswer(row, { kind, answer, tookMs }) {
  if (tookMs === undefined) return;
  const time = `${tookMs < 10 ? tookMs.toFixed(1) : Math.round(tookMs)} ms`;
  const { type, data } = answer?.envelope ?? {};
  const what = type === 'sys.error' ? data.code : type === 'sys.ack' ? data.status : type;
  const badge = row.firstChild.lastChild;
  badge.textContent = kind === 'out' ? `${what} · ${time}` : time;
  badge.classList.toggle('bad', type === 'sys.error');
}

function kindOf({ kind, envelope }) {
  return kind === 'close' || envelope.type === 'sys.error' ? 'error' : kind;
}

function timeOf(at) {
  return `${clock.format(at)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function peerOf({ kind, envelope }) {
  if (kind === 'close') return '';
  const id = kind === 'out' ? envelope.receiver : envelope.sender;
  return id === undefined ? 'server' : id === '*' ? 'everyone' : shortId(id);
}

function previewOf(entry, explain) {
  if (kindOf(entry) === 'error') return explain(entry).words;
  const { data } = entry.envelope;
  return data === undefined ? '' : JSON.stringify(data).slice(0, PREVIEW_CHARACTERS);
}

function bodyOf(entry, explain) {
  const body = element('div', 'row-body');
  if (kindOf(entry) === 'error') {
    const { title, words, todo } = explain(entry);
    const advice = element('p', 'why');
    advice.append(element('b', '', title), ` ${words} `, element('span', 'todo', todo));
    body.append(advice);
  }
  if (entry.question)
    body.append(element('p', 'note', `Answers “${entry.envelope.ref}” (${entry.question.envelope.type}).`));
  if (entry.text === undefined) return body;
  const text = JSON.stringify(entry.envelope, null, 2);
  const button = element('button', 'quiet copy-frame', 'Copy frame');
  button.type = 'button';
  button.addEventListener('click', () => copy(entry.text, button));
  body.append(element('pre', 'mono', text), button);
  return body;
}
