const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in one bit, and so do `]` and `}`; no other character that may stand outside a string is like them. */
const CASE_BIT = 0x20;
const OPENS = 0x7b;
const CLOSES = 0x7d;

/** Whether a valid JSON text has more than so many arrays and objects inside one another. */
export function nestsDeeper(json: string, depth: number): boolean {
  // Each of them takes two characters at least, so that most texts need no look.
  if (json.length <= 2 * depth) return false;
  let open = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) at = endOfString(json, at);
    else if ((character | CASE_BIT) === CLOSES) open--;
    else if ((character | CASE_BIT) === OPENS && ++open > depth) return true;
  }
  return false;
}

/** @param start where the string's first quote is */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) return at;
    if (character === BACKSLASH) at++;
  }
  return json.length;
}
