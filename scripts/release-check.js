import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Packs both packages, checks the packed files and rehearses their publication: `npm run release:check -- FOLDER`. It
 * publishes nothing. The last line of the output is the path of the packed server.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(process.argv[2] ?? mkdtempSync(join(tmpdir(), 'switchboard-release-')));
/** Entries that no user needs: tests, settings and keys of a machine, sources, state of the compiler. */
const UNWANTED =
  /(^|\/)(test|certs)\/|\.(spec|test)\.|(?<!^config\/(default|production))\.env$|\.tsbuildinfo$|\.(pem|key)$|(?<!\.d)\.ts$/;
/** Versions that a registry does not hold: a URL, a path, a repository. An alias is of a registry. */
const FETCHED = /^(?!npm:).*[:/]/;

const packages = [pack('switchboard-client', ['--workspace', 'switchboard-client']), pack('switchboard', [])];
const problems = packages.flatMap(problemsOf);
for (const problem of problems) process.stderr.write(`release: ${problem}\n`);
if (problems.length > 0) process.exit(1);
for (const { file } of packages) {
  run('npm', ['publish', file, '--dry-run', '--loglevel=warn']);
  process.stdout.write(`${file}\n`);
}

/**
 * @typedef {{ name: string, file: string, content: string }} Packed a packed file, and the folder of its entries
 * @param {string} name @param {string[]} options of npm that choose the package @returns {Packed}
 */
function pack(name, options) {
  const output = run('npm', ['pack', ...options, '--json', '--loglevel=warn', '--pack-destination', folder]);
  const file = join(folder, packedName(output));
  const content = mkdtempSync(join(folder, `${name}-`));
  run('tar', ['-xzf', file, '-C', content, '--strip-components=1']);
  return { name, file, content };
}

/** @param {Packed} packed @returns {string[]} what keeps the package from its publication */
function problemsOf({ name, content }) {
  const manifest = JSON.parse(readFileSync(join(content, 'package.json'), 'utf8'));
  const entries = readdirSync(content, { recursive: true, encoding: 'utf8' });
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const found = [
    ...filesOf([manifest.main, manifest.types, manifest.bin, manifest.exports, manifest.typesVersions])
      .filter((file) => !existsSync(join(content, file)))
      .map((file) => `package.json names ${file}, and the packed file does not hold it`),
    ...entries.filter((entry) => UNWANTED.test(entry)).map((entry) => `${entry} is packed; exclude it by "files"`),
    ...entries
      .filter((entry) => entry.endsWith('.js.map') && !hasSources(join(content, entry)))
      .map((entry) => `${entry} holds no sources; set "inlineSources"`),
    ...[dependencies, optionalDependencies, peerDependencies]
      .flatMap((each) => Object.entries(each ?? {}))
      .filter(([, version]) => FETCHED.test(version))
      .map(([dependency, version]) => `${dependency} is the dependency ${version}; name a range of versions`),
  ];
  if (manifest.publishConfig?.provenance === true && manifest.repository === undefined)
    found.push('"publishConfig" claims provenance, which needs "repository"');
  return found.map((problem) => `${name}: ${problem}`);
}

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

/** @param {string} file a source map @returns {boolean} */
function hasSources(file) {
  const { sources, sourcesContent } = JSON.parse(readFileSync(file, 'utf8'));
  return Array.isArray(sourcesContent) && sourcesContent.length === sources.length && !sourcesContent.includes(null);
}
