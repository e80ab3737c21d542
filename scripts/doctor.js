import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';

/**
 * Checks a deployment from outside and says what is wrong and what to change; exit code 1 if anything is.
 *
 *   npm run doctor -- --url wss://chat.example.com/wss [--ca ca.crt] [--http-port 80] [--token TOKEN] [--quick]
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'wss://localhost/wss' },
    ca: { type: 'string' },
    'http-port': { type: 'string', default: '80' },
    token: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const url = new URL(values.url);
const secure = url.protocol === 'wss:';
const tls = values.ca === undefined ? {} : { ca: readFileSync(values.ca) };
const TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;
const MIN_DAYS = 14;
const MAX_SKEW_MS = 60_000;
let wrong = 0;

/** @param {string} what @param {boolean} well @param {string} found @param {string} change */
function check(what, well, found, change) {
  if (!well) wrong++;
  console.log(`${well ? 'ok   ' : 'WRONG'} ${what}: ${found}${well ? '' : `\n      ${change}`}`);
}

/** @param {string} address @param {import('node:https').RequestOptions} [options] */
function ask(address, options = {}) {
  return new Promise((resolve, reject) => {
    const send = address.startsWith('https') ? tlsRequest : plainRequest;
    const request = send(address, { agent: false, timeout: TIMEOUT_MS, ...tls, ...options }, (response) => {
      const { socket, statusCode: status, headers } = response;
      const certificate = 'getPeerCertificate' in socket ? socket.getPeerCertificate() : undefined;
      response.resume();
      resolve({ status, headers, certificate });
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: response.headers });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    request.on('error', reject);
    request.end();
  });
}

/** Runs one check; one that cannot be made is wrong. @param {string} what @param {string} change @param {() => Promise<void>} work */
async function attempt(what, change, work) {
  try {
    await work();
  } catch (error) {
    check(what, false, error.message, change);
  }
}

/** Opens a session and waits for its welcome. @param {string} path @param {Record<string, string>} headers */
function open(headers = {}) {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    if (values.token !== undefined) target.searchParams.set('token', values.token);
    const socket = new WebSocket(target, { ...tls, headers, handshakeTimeout: TIMEOUT_MS });
    socket.once('error', reject);
    socket.once('message', (/** @type {Buffer} */ text) => resolve({ socket, welcome: JSON.parse(text.toString()) }));
  });
}

const http = `${secure ? 'https' : 'http'}://${url.host}`;
const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

await attempt('node', 'Start it, and look at its log and at /health/ready for what it waits for.', async () => {
  const { status, headers, certificate } = await ask(`${http}/health/ready`);
  check('readiness', status === 200, `${status}`, 'Read the body of /health/ready: it names what is not well.');
  const skewMs = Math.abs(Date.now() - Date.parse(headers.date));
  const found = `${Math.round(skewMs / 1000)} s apart`;
  check('clock', skewMs <= MAX_SKEW_MS, found, 'Set the clocks by NTP: tokens expire by them.');
  if (certificate === undefined) return;
  const days = Math.floor((Date.parse(certificate.valid_to) - Date.now()) / DAY_MS);
  check('certificate', days >= MIN_DAYS, `${days} days left`, 'Renew it, then reload nginx.');
});
if (!secure) check('encryption', false, url.protocol, 'Use wss:// through nginx: browsers on https pages need it.');
else
  await attempt('redirect', 'Publish HTTP_PORT, or ignore this if another host serves plain HTTP.', async () => {
    const { status, headers } = await ask(`http://${url.hostname}:${values['http-port']}/`);
    const well = [301, 302, 307, 308].includes(status) && `${headers.location}`.startsWith('https://');
    check('redirect', well, `${status} ${headers.location ?? ''}`, 'Let plain HTTP redirect to https.');
  });
await attempt('metrics', 'Let nginx answer.', async () => {
  const { status } = await ask(`${http}/metrics`);
  check('metrics', !secure || status === 404, `${status}`, 'Do not pass /metrics on: it is for operators.');
});
await attempt('other paths', 'Let the server or nginx answer 404.', async () => {
  const { status } = await ask(`${http}/switchboard-doctor`, { headers: HANDSHAKE });
  check('other paths', status === 404, `${status}`, 'An upgrade on another path must be answered 404.');
});
await attempt('origin rule', 'Let the handshake through to the server.', async () => {
  const headers = { ...HANDSHAKE, Origin: 'https://switchboard-doctor.invalid' };
  const { status } = await ask(`${http}${url.pathname}`, { headers });
  const change = 'Pages of any site may connect as their visitors: list the origins that may.';
  check('origin rule', status === 403, `a foreign origin is answered ${status}`, change);
});
await attempt('session', 'Check the path, the token and that the proxy passes Upgrade and Connection on.', async () => {
  const { socket, welcome } = await open();
  socket.on('error', () => undefined);
  const { protocol, heartbeatMs, maxMessageBytes } = welcome.data;
  check(
    'version',
    protocol === 1,
    `protocol ${protocol}`,
    'This doctor knows protocol 1: use the one of that release.',
  );
  if (!values.quick) {
    const waitMs = heartbeatMs * 1.5;
    const pinged = await new Promise((resolve) => {
      socket.once('ping', () => resolve('a ping came'));
      socket.once('close', (code) => resolve(`closed with ${code}`));
      setTimeout(() => resolve('nothing came'), waitMs).unref();
    });
    const change = 'Set the idle timeout of every proxy to at least three times HEARTBEAT_MS.';
    check('heartbeat', pinged === 'a ping came', `${pinged} within ${waitMs} ms`, change);
  }
  socket.send(JSON.stringify({ type: 'doctor', data: 'x'.repeat(maxMessageBytes) }));
  const code = await new Promise((resolve) => {
    socket.once('close', resolve);
    setTimeout(() => resolve('nothing'), TIMEOUT_MS).unref();
  });
  check('limits', code === 1009, `a message over ${maxMessageBytes} bytes: ${code}`, 'It must be closed with 1009.');
  socket.terminate();
});
console.log(wrong === 0 ? 'All is well.' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`);
process.exit(wrong === 0 ? 0 : 1);
