import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../../docs/fronts.md', import.meta.url));

/**
 * Returns the configurations that docs/fronts.md prints for a proxy, in order.
 *
 * @throws if the document has no such section
 */
export function frontConfigurations(name: string): string[] {
  const section = readFileSync(DOCUMENT, 'utf8')
    .split(/^## /m)
    .find((text) => text.startsWith(`${name}\n`));
  if (section === undefined) throw new Error(`docs/fronts.md has nothing on ${name}`);
  return [...section.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, code]) => code!);
}

/**
 * Replaces places of a printed configuration by those of a test. What was put in is not replaced again.
 *
 * @throws if one of them is not there
 */
export function adapted(configuration: string, places: Readonly<Record<string, string>>): string {
  const printed = Object.keys(places);
  const missing = printed.find((place) => !configuration.includes(place));
  if (missing !== undefined) throw new Error(`docs/fronts.md has no "${missing}"`);
  const anyOf = printed.map((place) => place.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return configuration.replace(new RegExp(anyOf, 'g'), (place) => places[place]!);
}
