import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { searchPath } from './front.js';
import { benchDir, projectDir } from './paths.js';

/** The packages whose speed is compared, by the names the tables use. */
const packages = {
  ws: 'ws',
  Nest: '@nestjs/core',
  'platform-ws': '@nestjs/platform-ws',
  'class-validator': 'class-validator',
  'Socket.IO': 'socket.io',
  'uWebSockets.js': '@trufflesuite/uws-js-unofficial',
};

/** Returns what a run measures and where. @returns {import('./results.js').Facts} */
export function facts() {
  const date = new Date().toISOString().slice(0, 10);
  return { project: projectText(), machine: machineText(), versions: versionsText(), date };
}

/** Describes the hardware and the system in one line. */
export function machineText() {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${gib} GiB, Linux ${release()}`;
}

/** Lists the versions of the compared packages in one line. */
function versionsText() {
  const versions = Object.entries(packages).map(
    ([title, name]) => `${title} ${readPackage(`${benchDir}node_modules/${name}`).version}`,
  );
  return [...versions, ...nginxVersion()].join(' · ');
}

function nginxVersion() {
  const { stderr } = spawnSync('nginx', ['-V'], { env: searchPath, encoding: 'utf8' });
  const text = stderr ?? '';
  // The last OpenSSL is the one that nginx runs with.
  return [...(text.match(/nginx\/[\d.]+/) ?? []), ...(text.match(/OpenSSL [\w.]+/g) ?? []).slice(-1)];
}

/** Files that decide the results; a commit that changes only documents, tests or tables measures the same. */
const inProject = ['src', 'nginx', 'Dockerfile', 'package-lock.json'];
const inBench = [
  'package-lock.json',
  'peers',
  'load',
  'handler',
  'harness/scenarios',
  'harness/servers.js',
  'harness/measure.js',
];
const measured = [...inProject, ...inBench.map((path) => `bench/${path}`)];

/** Names the version of the project and the last commit that changed what is measured. */
export function projectText() {
  const { version } = readPackage(projectDir);
  try {
    const changed = git('status', '--porcelain', '--', ...measured) ? ', with changes' : '';
    return `${version} (${git('log', '-1', '--format=%h', '--', ...measured)}${changed})`;
  } catch {
    return version;
  }
}

function git(...args) {
  return execFileSync('git', args, { cwd: projectDir, encoding: 'utf8' }).trim();
}

function readPackage(folder) {
  return JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
}
