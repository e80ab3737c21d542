const TYPE = /^[A-Za-z0-9._:-]+$/;
/** The types in `sys.` that clients may send. */
const SYSTEM_REQUESTS = new Set([
  'sys.ping',
  'sys.who',
  'sys.auth',
  'sys.join',
  'sys.leave',
  'sys.watch',
  'sys.unwatch',
]);
const ROOM = /^#[A-Za-z0-9._:-]+$/;
const encoder = new TextEncoder();

/** Counts as the server does: characters, not UTF-16 units. */
const lengthOf = (text) => [...text].length;

function validateType(type, { limits }) {
  if (type === '') return 'Enter a message type.';
  if (!TYPE.test(type)) return 'A type may contain A–Z a–z 0–9 . _ : and -';
  if (type.length > limits.type) return `A type has ${limits.type} characters at most; this one has ${type.length}.`;
  if (type.startsWith('sys.') && !SYSTEM_REQUESTS.has(type)) return 'Types that begin with “sys.” are reserved.';
  return undefined;
}

function validateLength(label, text, limit) {
  const length = lengthOf(text);
  return length > limit ? `${label} has ${limit} characters at most; this one has ${length}.` : undefined;
}

function validateReceiver(receiver, { limits }) {
  if (receiver === '@') return 'Enter the name of a user behind @.';
  if (receiver.startsWith('#') && !ROOM.test(receiver)) return 'The name of a room may contain A–Z a–z 0–9 . _ : and -';
  return validateLength('A receiver', receiver, limits.receiver);
}

/** Names the line and column of a syntax error, or the browser's own message where it has no position. */
function validateData(data) {
  if (data.trim() === '') return undefined;
  try {
    JSON.parse(data);
    return undefined;
  } catch (error) {
    const position = /position (\d+)/.exec(error.message)?.[1];
    if (position === undefined) return `Invalid JSON: ${error.message}`;
    const before = data.slice(0, Number(position)).split('\n');
    return `Invalid JSON at line ${before.length}, column ${before.at(-1).length + 1}.`;
  }
}

/** Writes the frame; `data` stays as it was typed, with its numbers and the order of its keys. */
function frameOf({ type, receiver, data, id }) {
  const fields = [`"type":${JSON.stringify(type)}`];
  if (receiver) fields.push(`"receiver":${JSON.stringify(receiver)}`);
  if (data.trim()) fields.push(`"data":${data.trim()}`);
  if (id) fields.push(`"id":${JSON.stringify(id)}`);
  return `{${fields.join(',')}}`;
}

/**
 * Validates a draft against the limits of the protocol.
 *
 * @returns `errors` by field, `firstError`, the `text` of the frame and its `sizeBytes`
 */
export function validate(draft, tables, maxMessageBytes) {
  const errors = {
    type: validateType(draft.type, tables),
    receiver: validateReceiver(draft.receiver, tables),
    id: validateLength('An id', draft.id, tables.limits.id),
    data: validateData(draft.data),
  };
  const text = frameOf(draft);
  const sizeBytes = encoder.encode(text).length;
  if (maxMessageBytes !== undefined && sizeBytes > maxMessageBytes)
    errors.data ??= `The frame has ${sizeBytes} bytes; the server accepts ${maxMessageBytes}.`;
  return { errors, firstError: Object.values(errors).find(Boolean), text, sizeBytes };
}
