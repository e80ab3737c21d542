const MAX_SHOWN_CHARACTERS = 64;

/** Clips the name of a field that a client wrote, for the text of an error. */
export function shownName(name: string): string {
  return name.length > MAX_SHOWN_CHARACTERS ? `${name.slice(0, MAX_SHOWN_CHARACTERS)}…` : name;
}
