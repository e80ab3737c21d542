import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './paths.js';
import { PeerUnavailable } from './program.js';

const BUILD_TIMEOUT_MS = 15 * 60_000;

/**
 * @typedef {object} Build
 * @property {string} name with the version, so that another version is another build
 * @property {string} tool the command that builds it
 * @property {string} packages the Debian packages that have the tool
 * @property {string} file the program, as named in its folder
 * @property {(folder: string) => string[]} arguments of the tool, which writes into the folder
 * @property {(folder: string) => Record<string, string>} [env]
 */

/**
 * Returns a function that builds a program into the cache, unless it is there, and returns the path of the program. It
 * throws PeerUnavailable, every time with the same reason, if the tool is missing or fails.
 *
 * @param {Build} build
 * @returns {() => string}
 */
export function program(build) {
  const folder = join(cacheDir, 'peers', build.name);
  const path = join(folder, build.file);
  let failure;
  return () => {
    if (failure) throw failure;
    if (existsSync(path)) return path;
    failure = make(build, folder);
    if (failure) throw failure;
    return path;
  };
}

/** Builds the chosen servers before anything is measured. @param {import('./servers.js').Server[]} servers */
export function buildAll(servers) {
  for (const { title, build } of new Set(servers)) {
    try {
      build?.();
    } catch (error) {
      if (!(error instanceof PeerUnavailable)) throw error;
      console.log(`${title} is left out: ${error.message}`);
    }
  }
}

/** Builds into a second folder first, so that an interrupted build leaves nothing behind. */
function make({ name, tool, packages, arguments: argumentsFor, env }, folder) {
  if (spawnSync(tool, ['--help'], { stdio: 'ignore' }).error)
    return new PeerUnavailable(`needs ${tool} (Debian: apt-get install ${packages})`);
  console.log(`building ${name} with ${tool}`);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const { status, stderr, stdout, error } = spawnSync(tool, argumentsFor(unfinished), {
    encoding: 'utf8',
    timeout: BUILD_TIMEOUT_MS,
    env: { ...process.env, ...env?.(unfinished) },
  });
  if (status !== 0) return new PeerUnavailable(`${tool} failed: ${reason(stderr || stdout || `${error}`)}`);
  renameSync(unfinished, folder);
  return undefined;
}

/**
 * Finds the line that names the error; tools print progress before it and advice after it. Results name no address of a
 * registry, because it differs between machines.
 */
function reason(output) {
  if (/could not be downloaded/.test(output)) return 'its packages could not be downloaded';
  const lines = output.trim().split('\n');
  return (lines.find((line) => /error|fail|missing/i.test(line)) ?? lines.at(-1)).trim();
}

/** Describes a program of the Go module proxy. */
export function goProgram({ name, module, version }) {
  return program({
    name: `${name}-${version}`,
    tool: 'go',
    packages: 'golang, or a newer one from the Go project',
    file: name,
    arguments: () => ['install', `${module}@${version}`],
    env: (folder) => ({ GOBIN: folder }),
  });
}

/** Returns a short hash of the files of a folder, as the version of a program of this repository. */
export function hashOf(folder) {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) hash.update(name).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 12);
}
