import { resolve } from 'node:path';
import { benchDir, projectDir } from './paths.js';

/**
 * @typedef {object} Server
 * @property {string} name as in `--peers`
 * @property {string} title as in the tables
 * @property {string} script the program that Node runs
 * @property {Record<string, string>} [env]
 * @property {string[]} [load] generator flags for this server's protocol
 */

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

const switchboard = {
  name: 'switchboard',
  title: 'Switchboard',
  env: { HOST: '127.0.0.1', LOG_LEVEL: 'error', ...unlimited },
  load: ['--path', '/wss'],
};

/** @type {Server[]} */
export const servers = [
  { ...switchboard, script: `${projectDir}dist/main.js` },
  { name: 'plain-ws', title: 'plain ws', script: `${benchDir}peers/plain-ws.js` },
  // The A/A control: the same program under another name.
  { name: 'ws-again', title: 'plain ws again', script: `${benchDir}peers/plain-ws.js` },
  { name: 'nest-validation', title: 'Nest + ValidationPipe', script: `${benchDir}.cache/js/peers/nest-validation.js` },
  {
    name: 'socketio',
    title: 'Socket.IO',
    script: `${benchDir}peers/socketio.js`,
    load: ['--mode', 'sio', '--path', '/socket.io/?EIO=4&transport=websocket'],
  },
  { name: 'uws', title: 'uWebSockets.js', script: `${benchDir}peers/uws.js` },
  { name: 'uws-corked', title: 'uWebSockets.js corked', script: `${benchDir}peers/uws-corked.js` },
];

/** The servers of the `handler` scenario: the same handler and DTO in each. @type {Server[]} */
export const handlerServers = [
  { ...switchboard, script: `${projectDir}dist/bench/switchboard.js` },
  { name: 'nest-validation', title: 'Nest + ValidationPipe', script: `${benchDir}.cache/js/handler/stock-nest.js` },
];

/**
 * Adds an earlier build to the servers of a scenario, and this build under a second name, as the A/A control. Returns the
 * servers unchanged where Switchboard is not among them.
 *
 * @param {Server[]} chosen @param {string} base the root of the earlier checkout, with `dist/`
 */
export function withBase(chosen, base) {
  const current = chosen.find(({ name }) => name === switchboard.name);
  if (current === undefined) return chosen;
  const script = resolve(base, current.script.slice(projectDir.length));
  return [
    ...chosen,
    { ...current, name: 'switchboard-again', title: 'Switchboard again' },
    { ...current, name: 'switchboard-base', title: 'Switchboard, base', script },
  ];
}
