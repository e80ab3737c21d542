import { SETTINGS } from './setting.js';

/** Shorter names are near to too many ordinary variables, such as `PATH` to `AUTH`. */
const MIN_CHARACTERS = 5;
const MAX_CHARACTERS = 64;
/** Names of this length on may differ in two characters, shorter ones in one. */
const LONG_CHARACTERS = 8;
/** Lines about variables of one start. */
export const MAX_LINES = 10;

/** Returns one line for each variable that is no setting but whose name is near to one; at most ten lines. */
export function misspeltVariables(names: readonly string[]): string[] {
  return [...new Set(names)]
    .flatMap((name) => {
      const setting = similarSetting(name);
      return setting === undefined ? [] : [`${name} is not a setting: did you mean ${setting}?`];
    })
    .slice(0, MAX_LINES);
}

/** Returns the setting with the nearest name, where a name is near to one and is no setting itself. */
function similarSetting(name: string): string | undefined {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) return undefined;
  const near = nearestName(
    name,
    SETTINGS.map(({ variable }) => variable),
  );
  return near === name ? undefined : near;
}

/** Returns the name that differs from a written one in the fewest characters, two at most; `undefined` where none is near. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  if (written.length < MIN_CHARACTERS || written.length > MAX_CHARACTERS) return undefined;
  const maxEdits = written.length < LONG_CHARACTERS ? 1 : 2;
  return names
    .map((name) => ({ name, edits: editsBetween(written, name) }))
    .filter(({ edits }) => edits <= maxEdits)
    .toSorted((one, other) => one.edits - other.edits)[0]?.name;
}

/** Counts the inserted, deleted and replaced characters between two texts (Levenshtein distance). */
function editsBetween(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[to.length]!;
}
