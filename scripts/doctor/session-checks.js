import { once } from 'node:events';
import { BlockList, isIP } from 'node:net';
import { HANDSHAKE } from './deployment.js';

const PROTOCOL = 1;
const SUBPROTOCOL = 'switchboard.v1';
/** An address reserved for documentation (RFC 5737). */
const FORGED = '203.0.113.113';
const TOO_BIG = 1009;

const LOOPBACK = networks('127.0.0.0/8', '::1/128');
const PRIVATE = networks(
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

/** Opens a session and checks protocol, address, heartbeat and limits. @param {Deployment} at @param {Report} report @param {{ apiKey?: string, quick: boolean }} options */
export async function checkSession(at, report, { apiKey, quick }) {
  const remedy = 'Check the path, the token (--token), and that every proxy passes Upgrade and Connection on.';
  await report.attempt('session', remedy, async () => {
    const { socket, addresses, welcome } = await at.open({ 'X-Forwarded-For': FORGED, 'X-Real-IP': FORGED });
    try {
      await versions(at, report, welcome);
      await clientAddress(at, report, { addresses, apiKey, id: welcome.receiver });
      if (quick) report.skip('heartbeat', '--quick');
      else await heartbeat(report, socket, welcome.data.heartbeatMs);
      await limits(at, report, socket, welcome.data.maxMessageBytes);
    } finally {
      socket.terminate();
    }
  });
}

async function versions(at, report, { data }) {
  const remedy = 'This doctor knows protocol 1; use the doctor of the release that runs.';
  report.check('version', data?.protocol === PROTOCOL, `protocol ${data?.protocol}`, remedy);
  const headers = { ...HANDSHAKE, ...at.authorization, 'Sec-WebSocket-Protocol': SUBPROTOCOL };
  const { 'sec-websocket-protocol': selected } = (await at.ask(`${at.origin}${at.url.pathname}`, headers)).headers;
  const subprotocolRemedy = 'Every proxy must pass Sec-WebSocket-Protocol on.';
  report.check('subprotocol', selected === SUBPROTOCOL, `${selected ?? 'none'} of ${SUBPROTOCOL}`, subprotocolRemedy);
}

/** Asks the HTTP API for the client address that the server sees, which limits and logs use. */
async function clientAddress(at, report, { addresses, apiKey, id }) {
  if (apiKey === undefined) {
    report.skip('address', 'needs --api-key');
    return;
  }
  const { status, body } = await at.ask(at.endpoint(`/api/v1/sessions/${id}`), { Authorization: `Bearer ${apiKey}` });
  if (status !== 200) {
    const remedy = 'The key must be one of API_KEYS, and every proxy must pass /api on.';
    report.check('address', false, `status ${status} of the HTTP API`, remedy);
    return;
  }
  const { address: seen, since } = JSON.parse(body);
  const remedy =
    seen === FORGED
      ? 'The proxy must overwrite X-Forwarded-For and X-Real-IP; now any client can claim any address.'
      : `Add this proxy to FRONT_PROXIES. The address of this machine is ${addresses.localAddress}.`;
  report.check('address', seen !== FORGED && !isProxy(seen, addresses), `the server sees ${seen}`, remedy);
  const skewMs = Math.abs(Date.now() - Date.parse(since));
  report.check(
    'clock of the node',
    skewMs < 60_000,
    `${Math.round(skewMs / 1000)} s apart`,
    'Synchronise the clocks by NTP.',
  );
}

/** Returns whether an address cannot be that of this machine; NAT may hide the real one. */
function isProxy(seen, { localAddress, remoteAddress }) {
  return (
    seen !== localAddress && (within(LOOPBACK, seen) || (within(PRIVATE, seen) && !within(PRIVATE, remoteAddress)))
  );
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

/** Waits for a ping; a proxy with an idle timeout below HEARTBEAT_MS closes a silent connection before it. */
async function heartbeat(report, socket, heartbeatMs) {
  const waitMs = heartbeatMs * 1.5;
  report.note(`waiting for a ping, at most ${Math.ceil(waitMs / 1000)} s; --quick skips this check`);
  const began = performance.now();
  const [event, code] = await Promise.race([
    once(socket, 'ping').then(() => ['ping']),
    once(socket, 'close').then(([closeCode]) => [`closed with ${closeCode}`, closeCode]),
    timeout(waitMs, ['no ping']),
  ]);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const remedy = 'Set the idle timeout of every proxy to at least three times HEARTBEAT_MS.';
  report.check('heartbeat', event === 'ping', `${event} after ${seconds} s, HEARTBEAT_MS=${heartbeatMs}`, remedy);
  if (code !== undefined) throw new Error(`closed with ${code} before a ping`);
}

async function limits(at, report, socket, maxMessageBytes) {
  const overhead = JSON.stringify({ type: 'sys.ping', data: '' }).length;
  const ping = (bytes) => JSON.stringify({ type: 'sys.ping', data: 'x'.repeat(bytes - overhead) });
  const pong = Promise.race([
    new Promise((resolve) =>
      socket.on('message', (frame) => {
        if (frame.includes('"sys.pong"')) resolve('answered');
      }),
    ),
    once(socket, 'close').then(([code]) => `closed with ${code}`),
    timeout(at.timeoutMs, 'no answer'),
  ]);
  socket.send(ping(maxMessageBytes));
  const answer = await pong;
  const remedy = 'A message of MAX_MESSAGE_BYTES must pass; raise the smaller limit of a proxy.';
  report.check('longest message', answer === 'answered', `${maxMessageBytes} bytes: ${answer}`, remedy);
  const closed = Promise.race([once(socket, 'close').then(([code]) => code), timeout(at.timeoutMs, 'not closed')]);
  socket.send(ping(maxMessageBytes + 1));
  const code = await closed;
  const limitRemedy = 'The close code must be 1009; the server is not Switchboard, or a proxy hides the code.';
  report.check('limits', code === TOO_BIG, `${maxMessageBytes + 1} bytes: close code ${code}`, limitRemedy);
}

function timeout(ms, value) {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms));
}
