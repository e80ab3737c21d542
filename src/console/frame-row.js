import { copy, createElement, shortId } from './element.js';

const ARROWS = { out: '→', in: '←', close: '×', again: '↪', back: '↩' };
const DIRECTIONS = { out: 'sent', in: 'received', close: 'closed', again: 'sent again', back: 'came back' };
const PREVIEW_CHARACTERS = 160;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Creates the row of an entry, which opens to show the whole frame. @param explain explains an error or a close */
export function createRow(entry, explain) {
  const kind = kindOf(entry);
  const isSystem = kind !== 'error' && `${entry.envelope.type}`.startsWith('sys.');
  const row = createElement('details', `row row-${kind}${isSystem ? ' system' : ''}`);
  const summary = createElement('summary');
  const direction = entry.again ? 'again' : entry.back ? 'back' : entry.kind;
  const arrow = createElement('span', 'arrow', ARROWS[direction]);
  arrow.setAttribute('aria-hidden', 'true');
  arrow.title = DIRECTIONS[direction];
  summary.append(
    createElement('time', 'mono time', timeOf(entry.at)),
    arrow,
    createElement('span', 'visually-hidden', DIRECTIONS[direction]),
    createElement('span', 'mono type', entry.envelope?.type ?? `close ${entry.code}`),
    createElement('span', 'mono peer', peerOf(entry)),
    createElement('span', 'mono preview', previewOf(entry, explain)),
    createElement('span', 'duration'),
  );
  row.append(summary);
  row.addEventListener('toggle', () => row.open && row.children.length === 1 && row.append(createBody(entry, explain)));
  showAnswer(row, entry);
  return row;
}

/** Shows the outcome and duration on a request, and the duration on an answer. */
export function showAnswer(row, { kind, answer, tookMs }) {
  if (tookMs === undefined) return;
  const duration = `${tookMs < 10 ? tookMs.toFixed(1) : Math.round(tookMs)} ms`;
  const { type, data } = answer?.envelope ?? {};
  const outcome = type === 'sys.error' ? data.code : type === 'sys.ack' ? data.status : type;
  const badge = row.firstChild.lastChild;
  badge.textContent = kind === 'out' ? `${outcome} · ${duration}` : duration;
  badge.classList.toggle('failed', type === 'sys.error');
}

function kindOf({ kind, envelope }) {
  return kind === 'close' || envelope.type === 'sys.error' ? 'error' : kind;
}

function timeOf(at) {
  return `${clock.format(at)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function peerOf({ kind, envelope }) {
  if (kind === 'close') return '';
  const id = kind === 'out' || isOfRoom(envelope) ? envelope.receiver : envelope.sender;
  return id === undefined ? 'server' : id === '*' ? 'everyone' : shortId(id);
}

function previewOf(entry, explain) {
  if (kindOf(entry) === 'error') return explain(entry).explanation;
  const { kind, envelope } = entry;
  const text = envelope.data === undefined ? '' : JSON.stringify(envelope.data).slice(0, PREVIEW_CHARACTERS);
  return kind === 'in' && isOfRoom(envelope) ? `${shortId(envelope.sender)} ${text}` : text;
}

/** Returns whether a message or a notice is for a room, whose name then stands in place of the sender. */
function isOfRoom({ receiver }) {
  return typeof receiver === 'string' && receiver.startsWith('#');
}

function createBody(entry, explain) {
  const body = createElement('div', 'row-body');
  if (kindOf(entry) === 'error') {
    const { title, explanation, advice } = explain(entry);
    const paragraph = createElement('p', 'explanation');
    paragraph.append(createElement('b', '', title), ` ${explanation} `, createElement('span', 'next-step', advice));
    body.append(paragraph);
  }
  if (entry.request)
    body.append(createElement('p', 'note', `Answers “${entry.envelope.ref}” (${entry.request.envelope.type}).`));
  if (entry.text === undefined) return body;
  const text = JSON.stringify(entry.envelope, null, 2);
  const button = createElement('button', 'quiet copy-frame', 'Copy frame');
  button.type = 'button';
  button.addEventListener('click', () => copy(entry.text, button));
  body.append(createElement('pre', 'mono', text), button);
  return body;
}
