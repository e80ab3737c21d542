import { createHash, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.js';
import { Engine, Find } from './engine.js';
import { framesTarget } from './targets/frames.js';
import { handshakeTarget } from './targets/handshake.js';
import { nodeCodecTarget } from './targets/node-codec.js';
import { scannerTarget } from './targets/scanner.js';

/**
 * `npm run fuzz -- [--seconds N] [--target NAME] [--seed N] [--save] [--replay HEX]`: fuzzes each target for its share of
 * the seconds, beginning with the corpus beside this file. `--save` writes the corpus anew, minimised.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    save: { type: 'boolean', default: false },
    replay: { type: 'string' },
  },
});
const TARGETS = {
  scanner: () => scannerTarget,
  frames: () => framesTarget,
  'node-codec': () => nodeCodecTarget,
  handshake: handshakeTarget,
};

const names = values.target === undefined ? Object.keys(TARGETS) : [values.target];
for (const name of names) {
  const target = await TARGETS[name]();
  try {
    if (values.replay === undefined) await fuzz(target, Number(values.seconds) / names.length);
    else console.log(await target.run(Buffer.from(values.replay, 'hex')));
  } catch (error) {
    if (!(error instanceof Find)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
  await target.close?.();
}

/** @param {import('./targets/target.js').Target} target @param {number} seconds */
async function fuzz(target, seconds) {
  const engine = new Engine(target, new Coverage(target.modules));
  const seed = Number(values.seed);
  console.log(`${target.name}: seed ${seed}, ${seconds} s`);
  await engine.replay([...target.seeds, ...corpusOf(target.name)]);
  const replayed = engine.coverage.characters;
  await engine.fuzz(seed, seconds);
  const { executions, outcomes, pool, coverage } = engine;
  console.log(
    `${target.name}: ${executions} inputs, ${outcomes} outcomes, ${coverage.characters} characters covered, ` +
      `${replayed} of them by the corpus; pool of ${pool.length}`,
  );
  if (values.save) save(target.name, await engine.minimised());
}

function corpusOf(name) {
  const folder = folderOf(name);
  return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(new URL(file, folder))) : [];
}

function save(name, inputs) {
  rmSync(folderOf(name), { recursive: true, force: true });
  mkdirSync(folderOf(name), { recursive: true });
  for (const input of inputs)
    writeFileSync(new URL(createHash('sha256').update(input).digest('hex').slice(0, 16), folderOf(name)), input);
  console.log(`${name}: kept ${inputs.length} inputs`);
}

function folderOf(name) {
  return new URL(`corpus/${name}/`, import.meta.url);
}
