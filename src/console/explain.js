/** What to do after a close, by the advice that stands in the server's table. */
const AFTER_CLOSE = {
  none: 'Connect again when you like.',
  stop: 'Coming again would end the same way: change what caused it first, then connect.',
  back_off: 'The console waits a little longer each time and comes again by itself.',
  after_ms: 'The console comes again by itself at the time the server gave.',
  new_token: 'Put a new token in the token field and connect.',
};

/** What to do after an error; its meaning stands in the server's table. */
export const AFTER_ERROR = {
  malformed_json: 'Send one JSON object in each text frame.',
  invalid_message: 'Correct the field that the message names.',
  reserved_type: 'Choose a type that does not begin with “sys.”.',
  unknown_type: 'Name a receiver, or write a handler for this type.',
  receiver_not_found: 'The session may have gone: pick a receiver from the list.',
  receiver_overloaded: 'Wait, send less, and try again.',
  rate_limited: 'Wait as long as the answer says, then send again.',
  forbidden: 'Connect with a token that allows it, or ask the operator.',
  refused: 'The message says what the handler did not accept.',
  unavailable: 'Try again in a moment; send it with an id to learn what became of it.',
  internal_error: 'Give the incident number to the operator: it names the entry in the log.',
};

const NOT_THE_SERVERS = {
  1001: 'The other side went away.',
  1005: 'The connection was closed without a code.',
  1006: 'The connection was cut without a word.',
};

export function explainError({ code, message, retryAfterMs, incident }, tables) {
  const more = [retryAfterMs && `Retry after ${retryAfterMs} ms.`, incident && `Incident ${incident}.`].filter(Boolean);
  return {
    title: code,
    words: [message ?? tables.errors[code] ?? '', ...more].join(' '),
    todo: AFTER_ERROR[code] ?? 'This is a word of a handler: its message says why.',
  };
}

export function explainClose({ code, reason, advice, wasOpen }, tables, hasToken) {
  if (!wasOpen) return explainRefusal(tables, hasToken);
  const known = tables.closeCodes[code];
  return {
    title: [code, reason || known?.reason].filter(Boolean).join(' '),
    words: known?.when ?? NOT_THE_SERVERS[code] ?? 'The connection was closed.',
    todo: AFTER_CLOSE[advice],
  };
}

/** A browser does not tell a page why a handshake failed. */
function explainRefusal({ auth }, hasToken) {
  const todo = {
    off: 'The server may be away, full, or not allow this page. The console keeps trying.',
    optional: 'If you gave a token, it may be bad or expired. Otherwise the server may be away.',
    required: hasToken
      ? 'The token may be bad or expired: try another one. Or the server may be away.'
      : 'This server wants a token.',
  };
  return { title: 'No connection', words: 'The handshake was refused or not answered.', todo: todo[auth] };
}
