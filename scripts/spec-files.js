import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Sorts the spec files by what a run needs. `vitest.config.ts` and `scripts/test.js` read this. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Folders with suites of their own: `npm run chaos` and `npm run test:compose`. */
export const SEPARATE = ['chaos', 'compose'];
/**
 * Folders whose tests take minutes: generated cases, attacks, slow links, builds in a clone, and installations of the packed
 * file.
 */
export const LONG = ['attack', 'builds', 'fuzz', 'package', 'property', 'simulation', 'slow-links'];
const SPEC = /\.spec\.ts$/;
/** Imports of files of the tests. The compiler removes type imports, and a later import() is no need of every run. */
const IMPORT = /^(?:import|export) (?!type\b)(?:[^;]*? from )?'(\.[^']+)\.js';/gm;
const NEEDS = /^needs\(([^)]*)\);/gm;

/**
 * Returns the components of each spec file: those that `needs()` declares in the file or in a module that it imports.
 *
 * @returns {Map<string, string[]>} by path from the root
 */
export function componentsOfSpecs() {
  const specs = ['test', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => join(folder, path))
      .filter((path) => SPEC.test(path) && !/[\\/](dist|node_modules)[\\/]/.test(path) && !isIn(path, SEPARATE)),
  );
  /** @type {Map<string, string[]>} */
  const declared = new Map();
  return new Map(specs.map((path) => [path, [...new Set(modulesOf(path).flatMap((file) => needsOf(file, declared)))]]));
}

/** @param {string} path @param {readonly string[]} folders of `test/` @returns {boolean} */
export function isIn(path, folders) {
  return folders.some((folder) => path.startsWith(join('test', folder, '/')));
}

/** @param {string} spec @returns {string[]} the file and all files of the tests that it imports, directly or not */
function modulesOf(spec) {
  const found = new Set([spec]);
  for (const file of found)
    for (const [, name = ''] of read(file).matchAll(IMPORT)) {
      const imported = join(file, '..', `${name}.ts`);
      if (!imported.startsWith('src') && existsSync(join(ROOT, imported))) found.add(imported);
    }
  return [...found];
}

/** @param {string} file @param {Map<string, string[]>} declared what is known, by file @returns {string[]} */
function needsOf(file, declared) {
  const known = declared.get(file);
  if (known !== undefined) return known;
  const names = [...read(file).matchAll(NEEDS)].flatMap(([, list = '']) => [...list.matchAll(/'([^']+)'/g)]);
  const components = names.map(([, name = '']) => name);
  declared.set(file, components);
  return components;
}

/** @type {Map<string, string>} */
const texts = new Map();

/** @param {string} file from the root */
function read(file) {
  const text = texts.get(file) ?? readFileSync(join(ROOT, file), 'utf8');
  texts.set(file, text);
  return text;
}
