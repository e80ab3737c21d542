import { resolve } from 'node:path';
import { builtPeers } from './built-peers.js';
import { benchDir, projectDir } from './paths.js';
import { freePort } from './ports.js';
import { startProgram } from './program.js';

/**
 * @typedef {object} Context
 * @property {string} node path of the Node that runs the servers
 * @property {Record<string, string>} [env] of the scenario
 */

/**
 * @typedef {object} Started
 * @property {number[]} ports the ports that the generator connects to; a second one is of a second node
 * @property {Record<string, number[]>} processes pids by part, for example `{ app: [1], nginx: [2] }`
 * @property {() => string} stderr the end of the error output
 * @property {() => Promise<void>} stop
 */

/**
 * @typedef {object} Server
 * @property {string} name as in `--peers`
 * @property {string} title as in the tables
 * @property {string[]} [load] generator flags for this server's protocol
 * @property {number} [warm] seconds of warm-up, for servers that need more than the others
 * @property {() => string} [build] builds the server before the run; throws PeerUnavailable if the machine cannot
 * @property {(context: Context) => Promise<Started>} start throws PeerUnavailable if the machine lacks something
 */

/**
 * Describes a server that is one program of Node.
 *
 * @param {{ name: string, title: string, script: string, env?: Record<string, string>, load?: string[] }} program
 * @returns {Server}
 */
export function nodeServer({ name, title, script, env, load }) {
  const start = async ({ node, env: more }) => {
    const port = await freePort();
    const variables = { ...env, ...more, PORT: `${port}` };
    const { pid, stderr, stop } = await startProgram([node, script, `${port}`], { at: port, env: variables });
    return { ports: [port], processes: { app: [pid] }, stderr, stop };
  };
  return { name, title, load, start };
}

/** All rate limits off, because the generator is one very busy client. */
const unlimited = {
  MESSAGES_PER_SECOND: '0',
  BYTES_PER_SECOND: '0',
  BROADCAST_RECEIVERS_PER_SECOND: '0',
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  HANDSHAKES_PER_SECOND: '0',
  MAX_CONNECTIONS: '0',
  REFUSALS_PER_MINUTE: '0',
  FAULTS_PER_MINUTE: '0',
};

/** Describes a build of Switchboard. @param {Partial<Parameters<typeof nodeServer>[0]>} changes to the default server */
export function switchboard({ env, ...changes } = {}) {
  return nodeServer({
    name: 'switchboard',
    title: 'Switchboard',
    script: `${projectDir}dist/main.js`,
    env: { HOST: '127.0.0.1', LOG_LEVEL: 'error', ...unlimited, ...env },
    load: ['--path', '/wss'],
    ...changes,
  });
}

const peer = (file) => `${benchDir}peers/${file}`;

/** @type {Server[]} */
export const servers = [
  switchboard(),
  nodeServer({ name: 'plain-ws', title: 'plain ws', script: peer('plain-ws.js') }),
  // The A/A control: the same program under another name.
  nodeServer({ name: 'ws-again', title: 'plain ws again', script: peer('plain-ws.js') }),
  nodeServer({
    name: 'nest-validation',
    title: 'Nest + ValidationPipe',
    script: `${benchDir}.cache/js/peers/nest-validation.js`,
  }),
  nodeServer({
    name: 'socketio',
    title: 'Socket.IO',
    script: peer('socketio.js'),
    load: ['--mode', 'sio', '--path', '/socket.io/?EIO=4&transport=websocket'],
  }),
  nodeServer({ name: 'uws', title: 'uWebSockets.js', script: peer('uws.js') }),
  nodeServer({ name: 'uws-corked', title: 'uWebSockets.js corked', script: peer('uws-corked.js') }),
  ...builtPeers,
];

const HANDLER = 'dist/bench/switchboard.js';

/** The servers of the `handler` scenario: the same handler and DTO in each. @type {Server[]} */
export const handlerServers = [
  switchboard({ script: `${projectDir}${HANDLER}` }),
  nodeServer({
    name: 'nest-validation',
    title: 'Nest + ValidationPipe',
    script: `${benchDir}.cache/js/handler/stock-nest.js`,
  }),
];

/**
 * Adds an earlier build to the servers of a scenario, and this build under a second name, as the A/A control. Returns the
 * servers unchanged where Switchboard is not among them.
 *
 * @param {Server[]} chosen @param {string} base the root of the earlier checkout, with `dist/`
 */
export function withBase(chosen, base) {
  const current = chosen.find(({ name }) => name === 'switchboard');
  if (current === undefined) return chosen;
  const script = resolve(base, chosen.includes(handlerServers[0]) ? HANDLER : 'dist/main.js');
  return [
    ...chosen,
    { ...current, name: 'switchboard-again', title: 'Switchboard again' },
    switchboard({ name: 'switchboard-base', title: 'Switchboard, base', script }),
  ];
}
