import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['src', 'packages/client/src'];

/** Builds once before all tests if the sources are newer, because some tests start the server as a process. */
export function setup(): void {
  const built = join(ROOT, 'dist/client.min.js'); // written last by the build
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...SOURCES.map((path) => newest(join(ROOT, path)))))
    return;
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed\n${stdout}${stderr}`);
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}
