import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs } from './needs.js';

needs('git');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The file that holds the version, by its path in this tree and its path in older commits. */
const VERSION_FILES = ['src/cluster/wire/node-message.ts', 'src/backplane/node-message.ts'];
/** Commits that are tried, because a commit that declares what later ones implement does not compile. */
const MAX_ATTEMPTS = 8;
const run = promisify(execFile);

/** Builds of other versions of the server: an older commit, and this tree with a newer node version. */
export class Builds {
  readonly #worktrees: string[] = [];

  private constructor(private readonly folder: string) {}

  static async create(): Promise<Builds> {
    return new Builds(await mkdtemp(join(tmpdir(), 'switchboard-builds-')));
  }

  /** Builds the newest commit whose sources differ from these. */
  async before(): Promise<string> {
    const now = await git('rev-parse', 'HEAD:src');
    return this.#build('before', async (commit) => (await git('rev-parse', `${commit}:src`)) !== now);
  }

  /** Builds the newest commit with the previous node version. */
  async older(): Promise<string> {
    const now = await versionAt('HEAD');
    return this.#build('older', async (commit) => (await versionAt(commit))! < now!);
  }

  /** Copies the build of this tree and raises its node version. @param ahead by how much */
  async ahead(ahead: number): Promise<string> {
    const copy = join(this.folder, `ahead-${ahead}`);
    for (const part of ['dist', 'config', 'package.json'])
      await cp(join(ROOT, part), join(copy, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const file = join(copy, 'dist/cluster/wire/node-message.js');
    const code = await readFile(file, 'utf8');
    const raised = code.replace(/NODE_VERSION = (\d+)/, (_, version) => `NODE_VERSION = ${Number(version) + ahead}`);
    if (raised === code) throw new Error(`no version to raise in ${file}`);
    await writeFile(file, raised);
    return join(copy, 'dist/main.js');
  }

  async remove(): Promise<void> {
    for (const worktree of this.#worktrees) await git('worktree', 'remove', '--force', worktree);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Builds the newest commit that fits and compiles, of those with a node version. */
  async #build(name: string, fits: (commit: string) => Promise<boolean>): Promise<string> {
    const worktree = join(this.folder, name);
    let failure: unknown = new Error('the history holds no such build: is this a shallow clone?');
    let attempts = 0;
    for await (const commit of newest(fits)) {
      if (attempts++ === 0) {
        await git('worktree', 'add', '--detach', worktree, commit);
        this.#worktrees.push(worktree);
        await symlink(join(ROOT, 'node_modules'), join(worktree, 'node_modules'));
      } else await run('git', ['checkout', '--detach', commit], { cwd: worktree });
      try {
        await run(join(ROOT, 'node_modules/.bin/nest'), ['build'], { cwd: worktree });
        return join(worktree, 'dist/main.js');
      } catch (error) {
        failure = error;
      }
      if (attempts === MAX_ATTEMPTS) break;
    }
    throw failure;
  }
}

/** Lists the commits of this branch that fit, the newest first. */
async function* newest(fits: (commit: string) => Promise<boolean>): AsyncIterable<string> {
  for (const commit of (await git('rev-list', '--first-parent', 'HEAD')).split('\n'))
    if ((await versionAt(commit)) !== undefined && (await fits(commit))) yield commit;
}

/** Reads the source of node messages in a commit, if it exists. */
async function versionAt(commit: string): Promise<number | undefined> {
  for (const file of VERSION_FILES) {
    const code = await git('show', `${commit}:${file}`).catch(() => '');
    const version = /NODE_VERSION = (\d+)/.exec(code)?.[1];
    if (version !== undefined) return Number(version);
  }
  return undefined;
}

async function git(...args: string[]): Promise<string> {
  return (await run('git', args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
}
