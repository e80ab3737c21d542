import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
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

/** Describes the hardware and the system in one line. */
export function machineText() {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${gib} GiB, Linux ${release()}`;
}

/** Lists the versions of the compared packages in one line. */
export function versionsText() {
  return Object.entries(packages)
    .map(([title, name]) => `${title} ${readPackage(`${benchDir}node_modules/${name}`).version}`)
    .join(' · ');
}

/** Names the measured version and commit of the project. */
export function projectText() {
  const { version } = readPackage(projectDir);
  try {
    const changed = git('status', '--porcelain', 'src') ? ', with changes' : '';
    return `${version} (${git('rev-parse', '--short', 'HEAD')}${changed})`;
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
