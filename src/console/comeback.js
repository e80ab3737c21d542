const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** What the table advises after a close; codes that are not the server's follow their range. */
export function adviceFor(code, closeCodes) {
  const known = closeCodes[code];
  if (known) return known.advice;
  return code >= 4000 && code < 4100 ? 'stop' : 'back_off';
}

/** Full jitter: anywhere up to a bound that doubles, so that a thousand pages do not come again together. */
export function backOffMs(attempt, random = Math.random) {
  return Math.round(random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt));
}
