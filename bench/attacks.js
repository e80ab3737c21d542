/** `npm run bench:attacks [-- --seconds N] [--only WORD]`: the p99 of a calm pair, quiet and beside each attack. See README.md beside this file. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks/attacker.js';
import { startBeside, YIELDING } from './harness/companion-process.js';
import { machineText, projectText } from './harness/machine.js';
import { benchDir, projectDir } from './harness/paths.js';
import { prepareServer } from './harness/prepare.js';
import { startServer } from './harness/server-process.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '12' }, only: { type: 'string', default: '' } },
});
const seconds = Number(values.seconds);
/** What the project promises. */
const BEARABLE = 5;
/** The limits as they come: it is they that are tried. */
const server = {
  name: 'switchboard',
  script: `${projectDir}dist/main.js`,
  env: { HOST: '127.0.0.1', LOG_LEVEL: 'error' },
};

prepareServer();
const rows = [];
for (const name of Object.keys(ATTACKS)) if (name.includes(values.only)) rows.push(await measure(name));
const lines = [
  '# What a calm pair feels of an attack',
  '',
  `Written by \`npm run bench:attacks\`. ${machineText()}; Node ${process.version}; Switchboard ${projectText()}.`,
  '',
  `A pair exchanges 100 messages a second for ${seconds} s, alone and then beside the attack, on a server with the limits`,
  'that it comes with. p99 is of the way there and back. The server has one core; the pair and the attacker, which yields',
  `to the pair, share the other. At most ${BEARABLE} times the quiet value is bearable.`,
  '',
  '| attack | quiet p99, µs | p99 beside it, µs | ratio |',
  '| --- | --- | --- | --- |',
  ...rows.map(({ name, quiet, beside }) => `| ${name} | ${quiet} | ${beside} | ${verdict(beside / quiet)} |`),
];
if (values.only === '') writeFileSync(`${benchDir}ATTACKS.md`, `${lines.join('\n')}\n`);
console.log(lines.join('\n'));

/** @param {number} ratio */
function verdict(ratio) {
  return `${ratio.toFixed(1)}${ratio > BEARABLE ? ', **too much**' : ''}`;
}

/** @param {string} name */
async function measure(name) {
  const started = await startServer(server, { node: process.execPath });
  const pair = startBeside([`${benchDir}attacks/calm-pair.js`, `${started.port}`, `${seconds}`]);
  try {
    const quiet = await pair.ask();
    const attacker = startBeside([`${benchDir}attacks/attacker.js`, `${started.port}`, name], YIELDING);
    await attacker.line();
    const beside = await pair.ask();
    await attacker.stop();
    return { name, quiet, beside };
  } finally {
    await pair.stop();
    await started.stop();
  }
}
