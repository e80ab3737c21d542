import { parseArgs } from 'node:util';
import { samplesFile } from './paths.js';

const usage = `npm run bench -- [options]
  --quick              the main scenarios, in four minutes, to stdout only
  --only pp8,mesh      these scenarios; "idle" means all three sizes
  --peers a,b          these servers, for example switchboard,plain-ws
  --rounds N           rounds of each scenario (5; quick 2)
  --seconds S          measured seconds of each round, at least (1)
  --base DIR           also an earlier checkout in DIR, and this one twice
  --node PATH          run all servers on this Node only (Node 24 of bench/node_modules)
  --save FILE          save the results after each scenario (bench/.cache/results.json)
  --publish-from A,B   measure nothing; write the published results from saved files
  --no-build           use dist/ without a build`;

/**
 * @typedef {object} Options
 * @property {boolean} quick
 * @property {string[] | undefined} only names of scenarios
 * @property {string[] | undefined} peers names of servers
 * @property {number} rounds
 * @property {number} seconds measured in each round
 * @property {string | undefined} base the root of an earlier checkout, with `dist/`
 * @property {string | undefined} node path of the Node that runs the servers
 * @property {string} save file of the results
 * @property {string[] | undefined} publishFrom files of results to publish
 * @property {boolean} build whether the project is built first
 * @property {boolean} publish whether this is a complete run, whose results replace those in the repository
 */

/** Reads the command line; prints the usage and exits if it is invalid. @returns {Options} */
export function readOptions(args = process.argv.slice(2)) {
  const { values } = parse(args);
  const { quick } = values;
  return {
    quick,
    only: list(values.only),
    peers: list(values.peers),
    base: values.base,
    rounds: positive('rounds', values.rounds ?? (quick ? '2' : '5')),
    seconds: positive('seconds', values.seconds ?? '1'),
    node: values.node,
    save: values.save ?? samplesFile,
    publishFrom: list(values['publish-from']),
    build: !values['no-build'],
    publish: !quick && !values.only && !values.peers && !values.base && !values.node,
  };
}

function parse(args) {
  const string = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const options = { quick: flag, help: flag, 'no-build': flag, only: string, peers: string, 'publish-from': string };
  try {
    const parsed = parseArgs({
      args,
      options: { ...options, rounds: string, seconds: string, base: string, node: string, save: string },
    });
    if (parsed.values.help) stop(usage, 0);
    return parsed;
  } catch (error) {
    return stop(`${error.message}\n\n${usage}`, 2);
  }
}

function list(text) {
  return text?.split(',').map((name) => name.trim());
}

function positive(name, text) {
  const number = Number(text);
  return number > 0 ? number : stop(`--${name} must be a number above 0 (it is ${text})\n\n${usage}`, 2);
}

function stop(text, code) {
  console.error(text);
  process.exit(code);
}
