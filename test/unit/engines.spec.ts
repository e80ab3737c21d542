import { readFileSync } from 'node:fs';
import { minVersion, satisfies, validRange } from 'semver';
import { expect, it } from 'vitest';

interface Locked {
  readonly engines?: { readonly node?: string };
  /** Whether npm may leave the package out, for another platform say. */
  readonly optional?: boolean;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')) as unknown;

it('each locked package runs on the oldest Node that the engines name', () => {
  const { engines } = read('package.json') as { engines: { node: string } };
  const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, Locked>> };
  const oldest = minVersion(engines.node)!;
  const tooNew = Object.entries(packages)
    .filter(([, { optional }]) => optional !== true)
    .filter(([, locked]) => validRange(locked.engines?.node) !== null && !satisfies(oldest, locked.engines!.node!))
    .map(([path, locked]) => `${path} wants Node ${locked.engines!.node!}; pin an older version`);
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(tooNew).toEqual([]);
});
