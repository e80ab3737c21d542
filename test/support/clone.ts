import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SETTINGS } from '../../src/settings/setting.js';
// Fills the table of settings.
// eslint-disable-next-line import/no-unassigned-import
import '../../src/settings/settings.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Files of a fresh clone that a start needs. */
const NEEDED = ['src', 'packages', 'config', 'scripts', 'package.json', 'nest-cli.json', 'tsconfig.json'];

/** How a command has ended, with all that it printed. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A fresh clone in a folder of its own, without a build, in which a test runs the commands of the documents. */
export class Clone {
  readonly folder = mkdtempSync(join(tmpdir(), 'switchboard-clone-'));
  readonly #children: ChildProcess[] = [];

  /** @param extra files and folders that the commands need besides those of every start */
  constructor(extra: readonly string[] = []) {
    for (const name of [...NEEDED, ...extra])
      cpSync(join(ROOT, name), join(this.folder, name), {
        recursive: true,
        filter: (path) => !path.endsWith('/examples/dist'),
      });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a command in the clone, without settings of this environment. */
  run(command: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}): ChildProcess {
    const env = { ...process.env, ...variables };
    for (const { variable } of SETTINGS) if (!(variable in variables)) delete env[variable];
    // A process group, so that npm, the shell and their children end together.
    const child = spawn(command, args, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#children.push(child);
    return child;
  }

  /** Ends what a failed test has left. */
  killAll(): void {
    for (const child of this.#children.splice(0)) {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // The group has ended.
      }
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Waits for the end of a command. */
export async function outcome(child: ChildProcess): Promise<Outcome> {
  const [[code], out, err] = await Promise.all([once(child, 'close'), text(child.stdout!), text(child.stderr!)]);
  return { code: code as number | null, out, err };
}

/** Waits until a server writes its URL to the log; returns `ws://HOST:PORT/wss`. The rest of the output is discarded. */
export async function listeningUrl(child: ChildProcess): Promise<string> {
  let output = '';
  child.stderr!.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      output += String(chunk);
      const url = /url"?[=:]"?(ws:[^\s"]+)/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('close', () => reject(new Error(`the server did not start: ${output}`)));
  });
}
