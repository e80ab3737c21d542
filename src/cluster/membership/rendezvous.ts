import { createHash } from 'node:crypto';

/**
 * Picks one name for a key, evenly, so that everybody who knows the same names picks the same, and that few keys move when
 * a name comes or goes (rendezvous hashing).
 */
export function rendezvousOwner(names: readonly string[], key: string): string | undefined {
  let best: string | undefined;
  let most = '';
  for (const name of names) {
    const weight = createHash('sha256').update(`${name}\n${key}`).digest('hex');
    if (weight > most) [best, most] = [name, weight];
  }
  return best;
}
