/** An envelope field, or a path into `data`, at the beginning of the text of a broken rule. */
const KNOWN_FIELD = /^(?:each value in )?((?:type|receiver|id|ref|data)(?![\w$-])(?:\.[\w$-]+)*)/;
/** A name that is no field of the envelope, written as JSON. */
const UNKNOWN_FIELD = /^("(?:[^"\\]|\\.)*") is not a field of the envelope$/;
const MAX_CHARACTERS = 128;

/**
 * Returns the field that an `invalid_message` is about, for the log; `undefined` where the text begins with none. The rest
 * of the text stays out of the log, because a rule of the application may write values of `data`.
 */
export function refusedField(text: string): string | undefined {
  const [, field] = KNOWN_FIELD.exec(text) ?? UNKNOWN_FIELD.exec(text) ?? [];
  return field?.slice(0, MAX_CHARACTERS);
}
