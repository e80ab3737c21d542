/** Bytes and lengths at which readers of binary formats go wrong. */
const BOUNDARIES = [0, 1, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const NUMBERS = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const MAX_STEPS = 6;

/**
 * Makes an input out of one of a pool by a few random changes.
 *
 * @param {import('./random.js').Random} random
 * @param {readonly Buffer[]} pool
 * @param {{ dictionary: readonly Buffer[], separators: string, maxBytes: number }} target
 */
export function mutate(random, pool, { dictionary, separators, maxBytes }) {
  let bytes = Buffer.from(pickOf(random, pool));
  for (let steps = 1 + random.below(MAX_STEPS); steps > 0; steps--)
    bytes = change(random, bytes, pool, { dictionary, separators });
  return bytes.subarray(0, maxBytes);
}

/** Prefers the inputs that were found last. */
function pickOf(random, pool) {
  const recent = Math.max(1, pool.length >> 3);
  return random.below(2) === 0 ? random.pick(pool) : pool[pool.length - 1 - random.below(recent)];
}

function change(random, bytes, pool, { dictionary, separators }) {
  const at = random.below(bytes.length + 1);
  switch (random.below(12)) {
    case 0:
      return set(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
    case 1:
      return set(bytes, at, random.pick(BOUNDARIES));
    case 2:
      return set(bytes, at, random.below(256));
    case 3:
      return replace(bytes, at, 1 + random.below(8), Buffer.alloc(0));
    case 4:
      return replace(bytes, at, 0, Buffer.alloc(1 + random.below(8), random.below(256)));
    case 5:
      return replace(bytes, at, random.below(2) * 4, number(random));
    case 6: {
      const token = tokenOf(random, dictionary);
      return replace(bytes, at, random.below(2) * token.length, token);
    }
    case 7: {
      const other = random.pick(pool);
      const from = random.below(other.length + 1);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from)]);
    }
    case 8: {
      const other = random.pick(pool);
      const from = random.below(other.length + 1);
      return replace(bytes, at, 0, other.subarray(from, from + 1 + random.below(64)));
    }
    case 9:
    case 10:
      return replace(bytes, behindSeparator(random, bytes, separators) ?? at, 0, tokenOf(random, dictionary));
    default: {
      const piece = bytes.subarray(at, at + 1 + random.below(32));
      return replace(bytes, random.below(bytes.length + 1), 0, piece);
    }
  }
}

function tokenOf(random, dictionary) {
  return dictionary.length === 0 ? number(random) : random.pick(dictionary);
}

/** Returns the offset behind a separator near a random place, `undefined` where there is not one. */
function behindSeparator(random, bytes, separators) {
  if (separators === '' || bytes.length === 0) return undefined;
  const at = bytes.indexOf(separators[random.below(separators.length)], random.below(bytes.length), 'latin1');
  return at === -1 ? undefined : at + 1;
}

/** A number of one, two or four bytes. */
function number(random) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(random.pick(NUMBERS));
  return bytes.subarray(4 - random.pick([1, 2, 4]));
}

function set(bytes, at, value) {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
}

function replace(bytes, at, skipped, piece) {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + skipped)]);
}
