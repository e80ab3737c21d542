import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { basename } from 'node:path';
import { springBoot } from './built-peers.js';
import { searchPath } from './front.js';
import { benchDir, projectDir } from './paths.js';
import { ran } from './program.js';

/** Packages whose speed is compared, by the names that the tables use. */
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
  return { project: projectText(), machine: machineText(), versions: versions(), date };
}

/** Describes the hardware and the system in one line. */
export function machineText() {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${gib} GiB, Linux ${release()}`;
}

/** Asks each program for its versions. Programs of Node are known by their packages, and the C router has no version. */
const questions = {
  nginx: [
    ['nginx', ['PROGRAM', '-V'], /nginx\/([\d.]+)/],
    // The last OpenSSL is the one that nginx runs with.
    ['OpenSSL of nginx', ['PROGRAM', '-V'], /.*OpenSSL ([\w.]+)/s],
  ],
  'nats-server': [['nats-server', ['PROGRAM', '--version'], /v([\d.]+)/]],
  'redis-server': [['Redis', ['PROGRAM', '--version'], /v=([\d.]+)/]],
  centrifugo: [
    // The version that a release build prints is missing in a build of the module.
    ['Centrifugo', ['go', 'version', '-m', 'PROGRAM'], /mod\s\S+\sv([\d.]+)/],
    ['Go', ['go', 'version', 'PROGRAM'], /: go([\d.]+)/],
  ],
  java: [['Java', ['PROGRAM', '-version'], /"([\d.]+)/]],
  php: [['PHP', ['PROGRAM', '--version'], /PHP ([\d.]+)/]],
};

/** Returns the versions of the packages and of the programs that have run so far. @returns {Record<string, string>} */
export function versions() {
  const all = {};
  for (const [title, name] of Object.entries(packages))
    all[title] = readPackage(`${benchDir}node_modules/${name}`).version;
  for (const path of ran)
    for (const [title, command, pattern] of questions[basename(path)] ?? []) {
      const [, version] = pattern.exec(output(command.map((word) => (word === 'PROGRAM' ? path : word)))) ?? [];
      if (version) all[title] = version;
    }
  if (all.Java) all['Spring Boot'] = springBoot;
  return all;
}

function output([command, ...args]) {
  const { stdout, stderr } = spawnSync(command, args, { env: { ...process.env, ...searchPath }, encoding: 'utf8' });
  return `${stdout}${stderr}`;
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
