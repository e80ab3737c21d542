import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from './run.js';

const NOT_COPIED = new Set(['.git', 'dist', 'node_modules', 'bench', 'test']);

/** Packs a copy of this tree that has no build, as a release in a fresh clone does. Returns the path of the packed file. */
export async function pack(folder: string): Promise<string> {
  const clone = join(folder, 'clone');
  for (const name of await readdir(ROOT)) {
    if (NOT_COPIED.has(name)) continue;
    const filter = (path: string): boolean => !/[/\\](dist|node_modules)$/.test(path);
    await cp(join(ROOT, name), join(clone, name), { recursive: true, filter });
  }
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const output = await run('npm', ['run', '--silent', 'release:check', '--', folder], clone);
  return output.trim().split('\n').at(-1)!;
}

/** Replaces a text of a file. @throws {Error} where the file does not hold the text once */
export async function replaceOnce(file: string, text: string, replacement: string): Promise<void> {
  const parts = (await readFile(file, 'utf8')).split(text);
  if (parts.length !== 2) throw new Error(`${file} holds ${JSON.stringify(text)} ${parts.length - 1} times`);
  await writeFile(file, parts.join(replacement));
}
