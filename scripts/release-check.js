import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Packs the package, checks the packed file and rehearses its publication: `npm run release:check -- FOLDER`. It publishes
 * nothing. A real `npm publish` needs a CI with an identity, because `publishConfig` asks for provenance.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(process.argv[2] ?? mkdtempSync(join(tmpdir(), 'switchboard-release-')));
/** Entries that no user needs: tests, settings and keys of a machine, sources, state of the compiler. */
const UNWANTED =
  /(^|\/)(test|certs)\/|\.(spec|test)\.|(?<!^config\/(default|production))\.env$|\.tsbuildinfo$|\.(pem|key)$|(?<!\.d)\.ts$/;
/** Versions that a registry does not hold. */
const FETCHED = /^(file|link|git|https?|workspace):|^[\w-]+\//;

const packed = packedName(run('npm', ['pack', '--json', '--loglevel=warn', '--pack-destination', folder]));
run('tar', ['-xzf', join(folder, packed), '-C', folder]);
const content = join(folder, 'package');
const manifest = JSON.parse(readFileSync(join(content, 'package.json'), 'utf8'));
const entries = readdirSync(content, { recursive: true, encoding: 'utf8' });
const problems = [
  ...filesOf([manifest.main, manifest.types, manifest.bin, manifest.exports, manifest.typesVersions])
    .filter((file) => !existsSync(join(content, file)))
    .map((file) => `package.json names ${file}, and the packed file does not hold it`),
  ...entries.filter((entry) => UNWANTED.test(entry)).map((entry) => `${entry} is packed; exclude it by "files"`),
  ...entries
    .filter((entry) => entry.endsWith('.js.map') && !hasSources(entry))
    .map((entry) => `${entry} holds no sources; set "inlineSources"`),
  ...Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter(([, version]) => FETCHED.test(version))
    .map(([name, version]) => `${name} is the dependency ${version}; name a range of versions`),
];
for (const problem of problems) process.stderr.write(`release: ${problem}\n`);
if (problems.length > 0) process.exit(1);
if (manifest.repository === undefined)
  process.stderr.write('release: package.json has no "repository"; provenance needs it before the first publication\n');
run('npm', ['publish', join(folder, packed), '--dry-run', '--provenance', '--loglevel=warn']);
process.stdout.write(`${join(folder, packed)}\n`);

/** @param {string} command @param {string[]} args @returns {string} standard output */
function run(command, args) {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

/** @param {string} output of `npm pack --json`, behind what the scripts of the package print @returns {string} */
function packedName(output) {
  return JSON.parse(output.slice(output.indexOf('[\n')))[0].filename;
}

/** @param {unknown} value any depth of lists and objects @returns {string[]} */
function filesOf(value) {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(filesOf) : [];
}

/** @param {string} entry @returns {boolean} */
function hasSources(entry) {
  const { sources, sourcesContent } = JSON.parse(readFileSync(join(content, entry), 'utf8'));
  return Array.isArray(sourcesContent) && sourcesContent.length === sources.length && !sourcesContent.includes(null);
}
