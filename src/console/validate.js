const TYPE = /^[A-Za-z0-9._:-]+$/;
/** What a client may ask of the server itself. */
const OURS_TO_SEND = new Set(['sys.ping', 'sys.who', 'sys.auth']);
const bytes = new TextEncoder();

/** Counts as the server does: characters, not UTF-16 units. */
const lengthOf = (text) => [...text].length;

function checkType(type, { limits }) {
  if (type === '') return 'Give it a type: the word your application knows it by.';
  if (!TYPE.test(type)) return 'A type is made of A–Z a–z 0–9 . _ : and -';
  if (type.length > limits.type) return `A type has ${limits.type} characters at most; this one has ${type.length}.`;
  if (type.startsWith('sys.') && !OURS_TO_SEND.has(type)) return 'Types that begin with “sys.” are the server’s.';
  return undefined;
}

function tooLong(what, text, most) {
  const length = lengthOf(text);
  return length > most ? `${what} has ${most} characters at most; this one has ${length}.` : undefined;
}

/** Says where JSON breaks, in the words of the browser where it tells no place. */
function checkData(data) {
  if (data.trim() === '') return undefined;
  try {
    JSON.parse(data);
    return undefined;
  } catch (error) {
    const at = /position (\d+)/.exec(error.message)?.[1];
    if (at === undefined) return `Not JSON yet: ${error.message}`;
    const before = data.slice(0, Number(at)).split('\n');
    return `Not JSON yet: look at line ${before.length}, column ${before.at(-1).length + 1}.`;
  }
}

/** The frame as it will go out; `data` stays as it was written, its numbers and the order of its keys too. */
export function frameOf({ type, receiver, data, id }) {
  const parts = [`"type":${JSON.stringify(type)}`];
  if (receiver) parts.push(`"receiver":${JSON.stringify(receiver)}`);
  if (data.trim()) parts.push(`"data":${data.trim()}`);
  if (id) parts.push(`"id":${JSON.stringify(id)}`);
  return `{${parts.join(',')}}`;
}

/**
 * Judges a draft by the limits of the protocol while it is typed.
 *
 * @returns the faults by field, the first one in words, and the frame with its size
 */
export function check(draft, tables, maxMessageBytes) {
  const faults = {
    type: checkType(draft.type, tables),
    receiver: tooLong('A receiver', draft.receiver, tables.limits.receiver),
    id: tooLong('An id', draft.id, tables.limits.id),
    data: checkData(draft.data),
  };
  const text = frameOf(draft);
  const size = bytes.encode(text).length;
  if (maxMessageBytes !== undefined && size > maxMessageBytes)
    faults.data ??= `The frame has ${size} bytes; this server takes ${maxMessageBytes}.`;
  return { faults, first: Object.values(faults).find(Boolean), text, size };
}
