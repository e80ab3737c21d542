/** `npm run bench:attacks [-- --seconds N] [--only WORD]`: the p99 of a normal pair, alone and during each attack. See README.md in this folder. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks/attacker.js';
import { startCompanion, YIELDING } from './harness/companion-process.js';
import { machineText, projectText } from './harness/machine.js';
import { benchDir, projectDir } from './harness/paths.js';
import { prepareServer } from './harness/prepare.js';
import { nodeServer } from './harness/servers.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '12' }, only: { type: 'string', default: '' } },
});
const seconds = Number(values.seconds);
/** The largest accepted ratio. */
const MAX_RATIO = 5;
/** The default limits, because they are under test. */
const server = nodeServer({
  name: 'switchboard',
  title: 'Switchboard',
  script: `${projectDir}dist/main.js`,
  env: { HOST: '127.0.0.1', LOG_LEVEL: 'error' },
});

prepareServer();
const rows = [];
for (const name of Object.keys(ATTACKS)) if (name.includes(values.only)) rows.push(await measure(name));
const lines = [
  '# Latency during attacks',
  '',
  `Written by \`npm run bench:attacks\`. ${machineText()}; Node ${process.version}; Switchboard ${projectText()}.`,
  '',
  `A pair exchanges 100 messages a second for ${seconds} s, alone and then during the attack, on a server with the default`,
  'limits. p99 is the round trip. The server has one core. The pair and the attacker share the other, and the attacker has',
  `lower priority. A ratio above ${MAX_RATIO} is a failure.`,
  '',
  '| attack | p99 alone, µs | p99 during the attack, µs | ratio |',
  '| --- | --- | --- | --- |',
  ...rows.map(({ name, alone, attacked }) => `| ${name} | ${alone} | ${attacked} | ${verdict(attacked / alone)} |`),
];
if (values.only === '') writeFileSync(`${benchDir}ATTACKS.md`, `${lines.join('\n')}\n`);
console.log(lines.join('\n'));

/** @param {number} ratio */
function verdict(ratio) {
  return `${ratio.toFixed(1)}${ratio > MAX_RATIO ? ', **too high**' : ''}`;
}

/** @param {string} name */
async function measure(name) {
  const started = await server.start({ node: process.execPath });
  const pair = startCompanion([`${benchDir}attacks/normal-pair.js`, `${started.ports[0]}`, `${seconds}`]);
  try {
    const alone = await pair.ask();
    const attacker = startCompanion([`${benchDir}attacks/attacker.js`, `${started.ports[0]}`, name], YIELDING);
    await attacker.line();
    const attacked = await pair.ask();
    await attacker.stop();
    return { name, alone, attacked };
  } finally {
    await pair.stop();
    await started.stop();
  }
}
