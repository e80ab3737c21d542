import { isRoomName, ROOM_PREFIX } from '../protocol/index.js';

/** Names that are read of a claim. A claim of more grants nothing, because its check would take too long. */
const MAX_ENTRIES = 1000;
/** Rights in the list of one entry, repeated ones included. */
const MAX_LISTED_RIGHTS = 16;
/** Targets whose rights are remembered. The oldest makes room for a new one. */
const MAX_REMEMBERED = 128;
/** Problems that are described; the others are counted. */
const MAX_PROBLEMS = 3;
const MAX_NAME_CHARACTERS = 64;
/** Stands at the end of a name for any rest, the empty one included. */
const WILDCARD = '*';

/** A right as a bit, so that the rights of an entry are one number. */
const BITS = { join: 1, send: 2, see: 4 } as const;

export type Right = keyof typeof BITS;

type Part = 'rooms' | 'users';

/** The parts of a claim: which rights exist in each, and which names its entries may have, without a `*` at the end. */
const PARTS: Readonly<Record<Part, { rights: readonly Right[]; kind: string; isName(name: string): boolean }>> = {
  rooms: { rights: ['join', 'send', 'see'], kind: 'a room', isName: (name) => name === '' || isRoomName(name) },
  users: { rights: ['send', 'see'], kind: 'a user', isName: () => true },
};
const PART_NAMES = Object.keys(PARTS) as Part[];

/** The entries of one part of a claim. */
class Entries {
  /** Rights by whole names. */
  readonly exact = new Map<string, number>();
  /** Rights by the beginnings of names, without the `*`. */
  readonly prefixes = new Map<string, number>();
  /** Lengths of these beginnings, the longest first. */
  lengths: number[] = [];

  add(name: string, rights: number): void {
    if (name.endsWith(WILDCARD)) this.prefixes.set(name.slice(0, -1), rights);
    else this.exact.set(name, rights);
  }

  /** Returns the rights of the longest entry that matches a name; a whole name is longer than any beginning. */
  rights(name: string): number {
    const exact = this.exact.get(name);
    if (exact !== undefined) return exact;
    for (const length of this.lengths) {
      const rights = length > name.length ? undefined : this.prefixes.get(name.slice(0, length));
      if (rights !== undefined) return rights;
    }
    return 0;
  }

  sort(): void {
    this.lengths = [...new Set([...this.prefixes.keys()].map(({ length }) => length))].toSorted((a, b) => b - a);
  }
}

/**
 * The rights in the claim `switchboard` of one token:
 * `{"rooms":{"project.*":["join","send","see"]},"users":{"*":["send"]}}`. A malformed part grants nothing. A malformed entry
 * still hides the shorter entries that match, so that a mistake never grants more than the same claim without it.
 */
export class ClaimRights {
  readonly #entries: Readonly<Record<Part, Entries>> = { rooms: new Entries(), users: new Entries() };
  readonly #remembered = new Map<string, number>();
  readonly #problems: string[] = [];
  #problemCount = 0;

  /** @param claim the value of the claim, which may be anything */
  constructor(claim: unknown) {
    if (isObject(claim)) this.#read(claim);
    else this.#malformed('it must be an object with rooms and users');
  }

  /** Describes what is malformed, without any content of the claim but names; `undefined` where nothing is. */
  get problem(): string | undefined {
    const more = this.#problemCount - this.#problems.length;
    if (this.#problemCount === 0) return undefined;
    return this.#problems.join('; ') + (more > 0 ? `; and ${more} more` : '');
  }

  /** @param target `#ROOM` or `@USER` */
  has(target: string, right: Right): boolean {
    let rights = this.#remembered.get(target);
    if (rights === undefined) {
      rights = this.#entries[target.startsWith(ROOM_PREFIX) ? 'rooms' : 'users'].rights(target.slice(1));
      this.#remembered.set(target, rights);
      if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!);
    }
    return (rights & BITS[right]) !== 0;
  }

  #read(claim: Readonly<Record<string, unknown>>): void {
    const parts = PART_NAMES.filter((part) => Object.hasOwn(claim, part));
    const others = Object.keys(claim).filter((key) => !Object.hasOwn(PARTS, key));
    const names = parts.flatMap((part) => (isObject(claim[part]) ? Object.keys(claim[part]) : []));
    const count = names.length + others.length;
    if (count > MAX_ENTRIES) return this.#malformed(`it has ${count} entries; at most ${MAX_ENTRIES} are read`);
    for (const key of others) this.#malformed(`${shown(key)} is neither rooms nor users`);
    for (const part of parts) this.#readPart(part, claim[part]);
  }

  #readPart(part: Part, names: unknown): void {
    if (!isObject(names)) return this.#malformed(`${part} must be an object of names and rights`);
    const entries = this.#entries[part];
    for (const [name, list] of Object.entries(names)) {
      if (name === '' || !PARTS[part].isName(name.endsWith(WILDCARD) ? name.slice(0, -1) : name)) {
        this.#malformed(`${part} has ${shown(name)}, which is no name of ${PARTS[part].kind}`);
        continue;
      }
      const rights = readRights(PARTS[part].rights, list);
      if (rights === undefined)
        this.#malformed(`${part}[${shown(name)}] must be a list of ${PARTS[part].rights.join(', ')}`);
      entries.add(name, rights ?? 0);
    }
    entries.sort();
  }

  #malformed(problem: string): void {
    this.#problemCount++;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }
}

/** Returns the rights of a list as bits; `undefined` where the list is malformed. */
function readRights(known: readonly Right[], list: unknown): number | undefined {
  if (!Array.isArray(list) || list.length > MAX_LISTED_RIGHTS) return undefined;
  let rights = 0;
  for (const item of list as unknown[]) {
    const right = known.find((each) => each === item);
    if (right === undefined) return undefined;
    rights |= BITS[right];
  }
  return rights;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(name: string): string {
  return JSON.stringify(name.length > MAX_NAME_CHARACTERS ? `${name.slice(0, MAX_NAME_CHARACTERS)}…` : name);
}
