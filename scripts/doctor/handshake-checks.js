import { HANDSHAKE } from './deployment.js';

const DAY_MS = 86_400_000;
const MIN_DAYS = 14;
const MAX_SKEW_MS = 60_000;
const REDIRECTS = [301, 302, 307, 308];
const CHAIN = 'Serve the whole chain (fullchain.pem); an authority of your own is named with --ca.';
const CHANGES = {
  CERT_HAS_EXPIRED: 'Renew the certificate, then reload nginx.',
  CERT_NOT_YET_VALID: 'Set the clocks by NTP, or wait until the certificate is valid.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Get a certificate for this very host name.',
};

/** @typedef {import('./deployment.js').Deployment} Deployment */
/** @typedef {import('./report.js').Report} Report */

/** What is seen before any session. @param {Deployment} at @param {Report} report @param {{ httpPort: string, origin?: string }} told */
export async function lookAtDoor(at, report, { httpPort, origin }) {
  await report.attempt('node', 'Start it, and look at its log for what it waits for.', () => node(at, report));
  if (at.secure) {
    await report.attempt('certificate', 'Let nginx speak TLS here.', () => certificate(at, report));
    const published = 'Publish HTTP_PORT, or name the port with --http-port.';
    await report.attempt('redirect', published, () => redirect(at, report, httpPort));
  } else
    report.check('encryption', false, at.url.protocol, 'Use wss:// through nginx: browsers on https pages need it.');
  await report.attempt('paths', 'Let the server or nginx answer.', () => paths(at, report));
  await report.attempt('origin rule', 'Let the handshake through to the server.', () => origins(at, report, origin));
}

async function node(at, report) {
  const { status, headers } = await at.ask(`${at.origin}/health/ready`);
  report.check('readiness', status === 200, `${status}`, 'Read the body of /health/ready: it names what is not well.');
  const skewMs = Math.abs(Date.now() - Date.parse(headers.date));
  const found = `${Math.round(skewMs / 1000)} s apart`;
  report.check('clock', skewMs <= MAX_SKEW_MS, found, 'Set the clocks by NTP: tokens expire by them.');
}

async function certificate(at, report) {
  const { until, fault } = await at.shown();
  report.check('chain', fault === undefined, fault ?? 'verified', CHANGES[fault] ?? CHAIN);
  const days = Math.floor((until - Date.now()) / DAY_MS);
  report.check('certificate', days >= MIN_DAYS, `${days} days left`, 'Renew it, then reload nginx.');
}

async function redirect(at, report, httpPort) {
  const { status, headers } = await at.ask(`http://${at.url.hostname}:${httpPort}${at.url.pathname}`);
  const well = REDIRECTS.includes(status) && headers.location === `${at.origin}${at.url.pathname}`;
  const change = `Let plain HTTP redirect to ${at.origin}.`;
  report.check('redirect', well, `${status} ${headers.location ?? ''}`.trim(), change);
}

async function paths(at, report) {
  const entry = await at.ask(`${at.origin}${at.url.pathname}`);
  const isEntry = entry.status === 426 && entry.body.includes('upgrade_required');
  const entryChange = 'WS_PATH must be the path of --url, in the server and in nginx, which must pass the answer on.';
  report.check('path', isEntry, `a plain GET is answered ${entry.status}`, entryChange);
  const { status } = await at.ask(`${at.origin}/switchboard-doctor`, HANDSHAKE);
  report.check('other paths', status === 404, `${status}`, 'An upgrade on another path must be answered 404.');
  const metrics = await at.ask(`${at.origin}/metrics`);
  const inside = !at.secure || metrics.status === 404;
  report.check('metrics', inside, `${metrics.status}`, 'Do not pass /metrics on: it is for operators.');
}

async function origins(at, report, ours) {
  const answered = async (origin) => {
    const headers = { ...HANDSHAKE, ...at.authorization, Origin: origin };
    return (await at.ask(`${at.origin}${at.url.pathname}`, headers)).status;
  };
  const status = await answered('https://switchboard-doctor.invalid');
  const change = 'Pages of any site may connect as their visitors: list in ALLOWED_ORIGINS those that may.';
  report.check('origin rule', status === 403, `a foreign origin is answered ${status}`, change);
  if (ours === undefined) return;
  const own = await answered(ours);
  const ownChange = 'Add it to ALLOWED_ORIGINS; a proxy must pass on the Host with its port.';
  report.check('origin', own === 101, `${ours} is answered ${own}`, ownChange);
}
