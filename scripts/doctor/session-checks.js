import { once } from 'node:events';
import { BlockList, isIP } from 'node:net';
import { HANDSHAKE } from './deployment.js';

const PROTOCOL = 1;
const SUBPROTOCOL = 'switchboard.v1';
/** Of a network for documentation: nobody's. */
const FORGED = '203.0.113.113';
const TOO_BIG = 1009;

const LOOPBACK = networks('127.0.0.0/8', '::1/128');
const INNER = networks(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
);

/** @typedef {import('./deployment.js').Deployment} Deployment */
/** @typedef {import('./report.js').Report} Report */

/** What is seen on a session. @param {Deployment} at @param {Report} report @param {{ apiKey?: string, quick: boolean }} told */
export async function stay(at, report, { apiKey, quick }) {
  const change = 'Check the path, the token (--token), and that every proxy passes Upgrade and Connection on.';
  await report.attempt('session', change, async () => {
    const { socket, ends, welcome } = await at.open({ 'X-Forwarded-For': FORGED, 'X-Real-IP': FORGED });
    try {
      await versions(at, report, welcome);
      await addressKnown(at, report, { ends, apiKey, id: welcome.receiver });
      if (quick) report.leaveOut('heartbeat', '--quick');
      else await heartbeat(report, socket, welcome.data.heartbeatMs);
      await limits(at, report, socket, welcome.data.maxMessageBytes);
    } finally {
      socket.terminate();
    }
  });
}

async function versions(at, report, { data }) {
  const change = 'This doctor knows protocol 1: use the one of that release.';
  report.check('version', data?.protocol === PROTOCOL, `protocol ${data?.protocol}`, change);
  const headers = { ...HANDSHAKE, ...at.authorization, 'Sec-WebSocket-Protocol': SUBPROTOCOL };
  const { 'sec-websocket-protocol': selected } = (await at.ask(`${at.origin}${at.url.pathname}`, headers)).headers;
  const passed = 'Let every proxy pass Sec-WebSocket-Protocol on.';
  report.check('subprotocol', selected === SUBPROTOCOL, `${selected ?? 'none'} of ${SUBPROTOCOL}`, passed);
}

/** An operator's key shows whom the server takes us for, and so whom its limits and logs name. */
async function addressKnown(at, report, { ends, apiKey, id }) {
  if (apiKey === undefined) {
    report.leaveOut('address', 'without --api-key');
    return;
  }
  const { status, body } = await at.ask(`${at.origin}/api/v1/sessions/${id}`, { Authorization: `Bearer ${apiKey}` });
  if (status !== 200) {
    const change = 'The key must be one of API_KEYS, and every proxy must pass /api on.';
    report.check('address', false, `the HTTP API answers ${status}`, change);
    return;
  }
  const { address: seen, since } = JSON.parse(body);
  const change =
    seen === FORGED
      ? 'Let the proxy overwrite X-Forwarded-For and X-Real-IP: anybody may claim any address.'
      : `That is a proxy: put it into TRUSTED_PROXIES. This machine is ${ends.localAddress}.`;
  report.check('address', seen !== FORGED && !isProxys(seen, ends), `the server sees ${seen}`, change);
  const skewMs = Math.abs(Date.now() - Date.parse(since));
  report.check('clock of the node', skewMs < 60_000, `${Math.round(skewMs / 1000)} s apart`, 'Set the clocks by NTP.');
}

/** Whether an address cannot be that of this machine, as far as one can tell through a translation of addresses. */
function isProxys(seen, { localAddress, remoteAddress }) {
  return seen !== localAddress && (within(LOOPBACK, seen) || (within(INNER, seen) && !within(INNER, remoteAddress)));
}

/** @param {string[]} subnets */
function networks(...subnets) {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address, bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), `ipv${isIP(address)}`);
  }
  return list;
}

function within(list, address) {
  return isIP(address) !== 0 && list.check(address, `ipv${isIP(address)}`);
}

/** A proxy that is less patient than the heartbeat is slow ends a silent connection before the first ping. */
async function heartbeat(report, socket, heartbeatMs) {
  const waitMs = heartbeatMs * 1.5;
  const began = performance.now();
  const [what, code] = await Promise.race([
    once(socket, 'ping').then(() => ['a ping came']),
    once(socket, 'close').then(([closeCode]) => [`closed with ${closeCode}`, closeCode]),
    timeout(waitMs, ['nothing came']),
  ]);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const change = 'Set the idle timeout of every proxy to at least three times HEARTBEAT_MS.';
  report.check('heartbeat', what === 'a ping came', `${what} after ${seconds} s of ${heartbeatMs} ms`, change);
  if (code !== undefined) throw new Error(`closed with ${code} while it waited`);
}

async function limits(at, report, socket, maxMessageBytes) {
  const around = JSON.stringify({ type: 'sys.ping', data: '' }).length;
  const ping = (bytes) => JSON.stringify({ type: 'sys.ping', data: 'x'.repeat(bytes - around) });
  const pong = Promise.race([
    new Promise((resolve) =>
      socket.on('message', (frame) => {
        if (frame.includes('"sys.pong"')) resolve('came back');
      }),
    ),
    once(socket, 'close').then(([code]) => `closed with ${code}`),
    timeout(at.timeoutMs, 'no answer'),
  ]);
  socket.send(ping(maxMessageBytes));
  const answered = await pong;
  const change = 'A message of MAX_MESSAGE_BYTES must pass: look for a smaller limit on the way.';
  report.check('longest message', answered === 'came back', `${maxMessageBytes} bytes: ${answered}`, change);
  const closed = Promise.race([once(socket, 'close').then(([code]) => code), timeout(at.timeoutMs, 'not closed')]);
  socket.send(ping(maxMessageBytes + 1));
  const code = await closed;
  const longer = 'It must be closed with 1009: who answers here is not Switchboard, or hides its close code.';
  report.check('limits', code === TOO_BIG, `${maxMessageBytes + 1} bytes: ${code}`, longer);
}

function timeout(ms, value) {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms));
}
