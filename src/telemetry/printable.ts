/** Longest message or field of a log line, because clients choose parts of some. */
const MAX_CHARACTERS = 8192;
/** Control characters, format characters such as changes of direction, line separators and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const NEEDS_QUOTES = /[\s"=\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Writes the message of a text line: indents its further lines, so that none of them begins like a line of the log. */
export function printableMessage(message: string): string {
  return clipped(message).replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\n    ';
    return character === '\t' ? character : escaped(character);
  });
}

/** Writes a field of a text line, in quotes where it would be read as two fields or does not print. */
export function printableField(value: unknown): string {
  const text = clipped(String(value));
  return NEEDS_QUOTES.test(text) ? printableJson(JSON.stringify(text)) : text;
}

/** Escapes what JSON leaves as it is and a terminal would interpret. The JSON means the same. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, escaped);
}

export function clipped(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

function escaped(character: string): string {
  if (character === '\r') return String.raw`\r`;
  return Array.from({ length: character.length }, (_, index) => {
    const hex = character.charCodeAt(index).toString(16);
    return String.raw`\u` + hex.padStart(4, '0');
  }).join('');
}
