/** Next steps after a close, by the advice of the server's table of close codes. */
const CLOSE_ADVICE = {
  none: 'Connect again at any time.',
  stop: 'The server would close the connection again: fix the cause first, then connect.',
  back_off: 'The console reconnects, with a longer wait after each failure.',
  after_ms: 'The console reconnects at the time that the server gave.',
  new_token: 'Enter a new token and connect.',
};
const AWAY_ADVICE = 'The server keeps the session while the console reconnects.';

/** Next steps after an error; the server's table has the meaning of each code. */
const ERROR_ADVICE = {
  malformed_json: 'Send one JSON object in each text frame.',
  invalid_message: 'Correct the field that the message names.',
  reserved_type: 'Choose a type that does not begin with “sys.” and that the server does not keep for its handlers.',
  unknown_type: 'Enter a receiver, or write a handler for this type.',
  receiver_not_found: 'The session may have closed: choose a receiver from the list.',
  receiver_overloaded: 'Wait, send less, and try again.',
  rate_limited: 'Wait for the time in the answer, then send again.',
  forbidden: 'Connect with a token that allows this, or ask the operator.',
  refused: 'The message says what the handler rejected.',
  unavailable: 'Try again in a moment, with an id to see the outcome.',
  not_joined: 'Join the room first.',
  too_many_rooms: 'Leave a room first.',
  too_many_watches: 'End the watch of another user first.',
  internal_error: 'Give the incident number to the operator, who finds it in the log.',
};

/** Codes that never come from the server. */
const OTHER_CLOSE_CODES = {
  1001: 'The server or a proxy is going away.',
  1005: 'The close frame had no code.',
  1006: 'The connection was lost without a close frame.',
  4999: 'The console cut the connection.',
};

export function explainError({ code, message, retryAfterMs, incident }, tables) {
  const details = [retryAfterMs && `Retry after ${retryAfterMs} ms.`, incident && `Incident ${incident}.`];
  return {
    title: code,
    explanation: [message ?? tables.errors[code] ?? '', ...details.filter(Boolean)].join(' '),
    advice: ERROR_ADVICE[code] ?? 'A handler sent this code: see its message.',
  };
}

export function explainClose({ code, reason, advice, wasOpen, away }, tables, hasToken) {
  if (!wasOpen) return explainFailedHandshake(tables, hasToken);
  const listed = tables.closeCodes[code];
  return {
    title: [code, reason || listed?.reason].filter(Boolean).join(' '),
    explanation: listed?.when ?? OTHER_CLOSE_CODES[code] ?? 'The connection was closed.',
    advice: away ? AWAY_ADVICE : CLOSE_ADVICE[advice],
  };
}

/** Reasons of the server for a session that has not returned. */
const NO_RETURN = {
  expired: 'was away for too long',
  ended: 'has ended',
  unknown: 'is unknown to the server',
  node_lost: 'was on a node that is gone',
  overflow: 'was ended, because the server kept too much',
};

/** Explains the welcome of a new session that replaces one which was away. */
export function explainNoReturn({ reason }) {
  return { title: 'New session', explanation: `The old one ${NO_RETURN[reason] ?? 'did not return'}.` };
}

/** Explains the return of a session. @param counts frames that came `back`, and frames that were sent `again` */
export function explainReturn({ awayMs }, { back, again }) {
  const explanation = `Away for ${(awayMs / 1000).toFixed(1)} s. Frames that came back: ${back}; sent again: ${again}.`;
  return { title: 'Session resumed', explanation };
}

/** Lists likely causes, because browsers hide the HTTP response of a rejected handshake from the page. */
function explainFailedHandshake({ auth }, hasToken) {
  const advice = {
    off: 'The server may be down or full, or may not allow this origin. The console keeps trying.',
    optional: 'The token, if you entered one, may be invalid or expired. Otherwise the server may be down.',
    required: hasToken
      ? 'The token may be invalid or expired: try another one. Or the server may be down.'
      : 'This server requires a token.',
  };
  return {
    title: 'Connection failed',
    explanation: 'The handshake was rejected or not answered.',
    advice: advice[auth],
  };
}
