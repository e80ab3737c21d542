import { parseArgs } from 'node:util';

const usage = `npm run bench -- [options]
  --quick              the main scenarios, in two minutes, to stdout only
  --only pp8,mesh      these scenarios; "idle" means all three sizes
  --peers a,b          these servers, for example switchboard,plain-ws
  --rounds N           rounds of each scenario (3; quick 2)
  --seconds S          measured seconds of each round (2; quick 1)
  --base DIR           also an earlier build in DIR, and this build twice
  --node PATH          run all servers on this Node only
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
    rounds: positive('rounds', values.rounds ?? (quick ? '2' : '3')),
    seconds: positive('seconds', values.seconds ?? (quick ? '1' : '2')),
    node: values.node,
    build: !values['no-build'],
    publish: !quick && !values.only && !values.peers && !values.base && !values.node,
  };
}

function parse(args) {
  const string = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const options = { quick: flag, help: flag, 'no-build': flag, only: string, peers: string };
  try {
    const parsed = parseArgs({
      args,
      options: { ...options, rounds: string, seconds: string, base: string, node: string },
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
