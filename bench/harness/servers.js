import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtPeers } from './built-peers.js';
import { benchDir, node20, projectDir } from './paths.js';
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
 * @property {string} [socket] path of a Unix socket, for a proxy
 * @property {() => string} stderr the end of the error output
 * @property {() => Promise<void>} stop
 */

/**
 * @typedef {object} Server
 * @property {string} name as in `--peers`
 * @property {string} title as in the tables
 * @property {string[]} [load] generator flags for this server's protocol
 * @property {number} [warm] seconds until the server is as fast as it gets, if over a second
 * @property {(root: string) => Server} [ofBuild] the same server of another checkout of the project
 * @property {() => string} [build] builds the server before the run; throws PeerUnavailable if the machine cannot
 * @property {(context: Context) => Promise<Started>} start throws PeerUnavailable if the machine lacks something
 */

/**
 * Describes a server that is one program of Node. It listens on its argument, which is a port, or with `unix` the path of a
 * Unix socket; Switchboard reads the variables.
 *
 * @param {object} program
 * @param {string} program.name
 * @param {string} program.title
 * @param {string} program.script
 * @param {Record<string, string>} [program.env]
 * @param {string[]} [program.load]
 * @param {boolean} [program.unix]
 * @param {string} [program.node] path of the only Node that can run it
 * @param {string[]} [program.flags] of Node
 * @returns {Server}
 */
export function nodeServer({ name, title, script, env, load, unix = false, node: only, flags = [] }) {
  const start = async ({ node, env: more }) => {
    const port = await freePort();
    // A folder of its own, because Switchboard refuses a socket that every user could connect to.
    const folder = unix && mkdtempSync(join(tmpdir(), 'switchboard-bench-'));
    const socket = folder ? join(folder, '0.sock') : undefined;
    const variables = { ...env, ...more, PORT: `${port}`, ...(socket && { LISTEN: `unix:${socket}` }) };
    const at = socket ?? port;
    const { pid, stderr, stop } = await startProgram([only ?? node, ...flags, script, `${at}`], { at, env: variables });
    const remove = async () => {
      await stop();
      if (folder) rmSync(folder, { recursive: true });
    };
    return { ports: [port], socket, processes: { app: [pid] }, stderr, stop: remove };
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

/** Returns the flags of Node with which the image of a checkout starts the server. @param {string} root */
export function imageFlags(root) {
  const [, command] = /^CMD (.+)$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'));
  return JSON.parse(command).slice(1, -1);
}

/**
 * Describes Switchboard of a checkout.
 *
 * @param {object} changes to the default server
 * @param {string} [changes.root] the checkout, with `dist/`
 * @param {string} [changes.script] the program in the checkout
 * @returns {Server}
 */
export function switchboard({ root = projectDir, script = 'dist/main.js', env, ...changes } = {}) {
  const server = nodeServer({
    name: 'switchboard',
    title: 'Switchboard',
    script: join(root, script),
    env: { HOST: '127.0.0.1', LOG_LEVEL: 'error', ...unlimited, ...env },
    load: ['--path', '/wss'],
    flags: imageFlags(root),
    ...changes,
  });
  return { ...server, ofBuild: (base) => switchboard({ ...changes, root: base, script, env }) };
}

/** Returns the path of a peer's program. */
export const peer = (file) => `${benchDir}peers/${file}`;

/** The package of uWebSockets.js has no binary for Node 24. The work of this server is done in C++. */
const uwsPackage = 'unofficial npm build 20.30, Node 20';

/** @type {Server[]} */
export const servers = [
  switchboard(),
  nodeServer({ name: 'plain-ws', title: 'plain ws', script: peer('plain-ws.js') }),
  // The A/A control: the same program under another name.
  nodeServer({ name: 'ws-again', title: 'plain ws again', script: peer('plain-ws.js') }),
  nodeServer({
    name: 'plain-ws-flag',
    title: 'plain ws, same flag',
    script: peer('plain-ws.js'),
    flags: imageFlags(projectDir),
  }),
  nodeServer({
    name: 'nest-validation',
    title: 'Nest + ValidationPipe',
    script: `${benchDir}.cache/js/peers/nest-validation.js`,
    load: ['--path', '/wss'],
  }),
  nodeServer({
    name: 'socketio',
    title: 'Socket.IO',
    script: peer('socketio.js'),
    load: ['--mode', 'sio', '--path', '/wss/?EIO=4&transport=websocket'],
  }),
  nodeServer({ name: 'uws', title: `uWebSockets.js (${uwsPackage})`, script: peer('uws.js'), node: node20 }),
  nodeServer({
    name: 'uws-corked',
    title: `uWebSockets.js corked (${uwsPackage})`,
    script: peer('uws-corked.js'),
    node: node20,
  }),
  ...builtPeers,
];

/** Returns the servers with these names. */
export const named = (...names) => servers.filter(({ name }) => names.includes(name));

/** The servers of the `handler` scenario: the same handler and DTO in each. @type {Server[]} */
export const handlerServers = [
  switchboard({ script: 'dist/bench/switchboard.js' }),
  nodeServer({
    name: 'nest-validation',
    title: 'Nest + ValidationPipe',
    script: `${benchDir}.cache/js/handler/stock-nest.js`,
  }),
];

/**
 * Adds an earlier checkout to the servers of a scenario, and this one under another name, as the A/A control. Returns the
 * servers unchanged where Switchboard is not among them.
 *
 * @param {Server[]} chosen @param {string} base the root of the earlier checkout, with `dist/`
 */
export function withBase(chosen, base) {
  const current = chosen.find(({ name }) => name === 'switchboard');
  if (current === undefined) return chosen;
  return [
    ...chosen,
    { ...current, name: 'switchboard-again', title: 'Switchboard again' },
    { ...current.ofBuild(base), name: 'switchboard-base', title: 'Switchboard, base' },
  ];
}
