import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { compileGenerator } from './generator.js';
import { hasNginx } from './front.js';
import { benchDir, cacheDir, projectDir } from './paths.js';

/** Advice for each tool that some scenarios need. */
export const lacking = {
  tls: 'the generator has no TLS (Debian: apt-get install libssl-dev openssl)',
  nginx: 'nginx is missing (Debian: apt-get install nginx)',
};

/** Builds everything a run needs; exits with one line if the machine lacks something. @returns what the generator can do */
export function prepare({ project, build }) {
  requireMachine();
  mkdirSync(cacheDir, { recursive: true });
  if (!existsSync(`${benchDir}node_modules/.package-lock.json`))
    run('npm', ['ci', '--no-audit', '--no-fund'], benchDir);
  const tls = compile();
  run('node_modules/.bin/tsc', ['-p', '.'], benchDir);
  if (project) buildProject(build);
  return { tls: tls && has('openssl', 'version'), nginx: hasNginx() };
}

function compile() {
  try {
    return compileGenerator();
  } catch (error) {
    return fail(error.message);
  }
}

/** Builds the server alone, for benches without generator and peers. */
export function prepareServer() {
  if (!has('taskset') || availableParallelism() < 2)
    fail('the benchmark needs two cores and taskset (Debian: apt-get install util-linux)');
  run('npm', ['run', '--silent', 'build'], projectDir);
}

function buildProject(build) {
  if (!existsSync(`${projectDir}node_modules`))
    fail('node_modules is missing; run `npm ci` in the root of the project');
  if (build) run('npm', ['run', '--silent', 'build'], projectDir);
  if (!existsSync(`${projectDir}dist/main.js`)) fail('dist/main.js is missing; run without --no-build');
  // Into the project's dist, so that the handler and the server share one copy of Nest.
  run('node_modules/.bin/tsc', ['-p', 'handler'], benchDir);
}

function requireMachine() {
  if (process.platform !== 'linux')
    fail('the benchmark needs Linux: the generator uses epoll, taskset pins the processes');
  if (availableParallelism() < 2) fail('the benchmark needs two cores: one for the server, one for the generator');
  if (!has('gcc')) fail('gcc is missing, which compiles the load generator (Debian: apt-get install gcc libc6-dev)');
  if (!has('taskset')) fail('taskset is missing, which pins processes to cores (Debian: apt-get install util-linux)');
}

function has(command, argument = '--version') {
  return spawnSync(command, [argument], { stdio: 'ignore' }).error === undefined;
}

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  fail(`\`${command} ${args.join(' ')}\` failed in ${cwd}\n${error?.message ?? ''}${stdout}${stderr}`);
}

function fail(reason) {
  console.error(`bench: ${reason}`);
  process.exit(1);
}
