import { HANDSHAKE } from './deployment.js';

const DAY_MS = 86_400_000;
const MIN_DAYS = 14;
const MAX_SKEW_MS = 60_000;
const REDIRECTS = [301, 302, 307, 308];
/** Statuses of a proxy that keeps a path from the public. */
const HIDDEN = [401, 403, 404];
const CHAIN_REMEDY = 'Serve the whole chain (fullchain.pem); pass --ca for a private authority.';
const CERTIFICATE_REMEDIES = {
  CERT_HAS_EXPIRED: 'Renew the certificate, then reload nginx.',
  CERT_NOT_YET_VALID: 'Synchronise the clocks by NTP, or wait until the certificate is valid.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Get a certificate for the host name of --url.',
};

/** @typedef {import('./deployment.js').Deployment} Deployment */
/** @typedef {import('./report.js').Report} Report */

/** Checks everything before a session: health, TLS, paths and origins. @param {Deployment} at @param {Report} report @param {{ httpPort: string, allowedOrigin?: string }} options */
export async function checkHandshake(at, report, { httpPort, allowedOrigin }) {
  await report.attempt('node', 'Start the node; if it runs, read its log.', () => node(at, report));
  if (at.secure) {
    await report.attempt('certificate', 'Serve TLS on this port with nginx.', () => certificate(at, report));
    const remedy = 'Redirect plain HTTP to https (with Docker: publish HTTP_PORT), or pass --http-port.';
    await report.attempt('redirect', remedy, () => redirect(at, report, httpPort));
  } else
    report.check(
      'encryption',
      false,
      at.url.protocol,
      'Use wss:// through nginx, because browsers on https pages allow no ws://.',
    );
  await report.attempt('paths', 'Route all paths to the server.', () => paths(at, report));
  await report.attempt('origin rule', 'Route the handshake to the server.', () => origins(at, report, allowedOrigin));
}

async function node(at, report) {
  const { status, headers } = await at.ask(at.endpoint('/health/ready'));
  report.check(
    'readiness',
    status === 200,
    `status ${status}`,
    'Read the body of /health/ready, which names the failed check.',
  );
  const skewMs = Math.abs(Date.now() - Date.parse(headers.date));
  const skew = `${Math.round(skewMs / 1000)} s apart`;
  report.check('clock', skewMs <= MAX_SKEW_MS, skew, 'Synchronise the clocks by NTP, because tokens expire by them.');
}

async function certificate(at, report) {
  const { validToMs, error } = await at.certificate();
  report.check('chain', error === undefined, error ?? 'verified', CERTIFICATE_REMEDIES[error] ?? CHAIN_REMEDY);
  const days = Math.floor((validToMs - Date.now()) / DAY_MS);
  report.check('certificate', days >= MIN_DAYS, `${days} days left`, 'Renew the certificate, then reload nginx.');
}

async function redirect(at, report, httpPort) {
  const { status, headers } = await at.ask(`http://${at.url.hostname}:${httpPort}${at.url.pathname}`);
  const isRedirect = REDIRECTS.includes(status) && headers.location === `${at.origin}${at.url.pathname}`;
  const remedy = `Redirect plain HTTP to ${at.origin}.`;
  report.check('redirect', isRedirect, `${status} ${headers.location ?? ''}`.trim(), remedy);
}

async function paths(at, report) {
  const entry = await at.ask(`${at.origin}${at.url.pathname}`);
  const isEntry = entry.status === 426 && entry.body.includes('upgrade_required');
  const pathRemedy = 'Set WS_PATH to the path of --url, in the server and in nginx; nginx must pass the answer on.';
  report.check('path', isEntry, `status ${entry.status} for a plain GET`, pathRemedy);
  const { status } = await at.ask(`${at.origin}/switchboard-doctor`, HANDSHAKE);
  report.check(
    'other paths',
    status === 404,
    `status ${status} for an upgrade`,
    'Answer upgrades on other paths with 404.',
  );
  const metrics = await at.ask(at.endpoint('/metrics'));
  const isHidden = !at.secure || HIDDEN.includes(metrics.status);
  report.check(
    'metrics',
    isHidden,
    `status ${metrics.status}`,
    'Block /metrics in the proxy, because it is for operators.',
  );
}

async function origins(at, report, allowedOrigin) {
  const statusOf = async (origin) => {
    const headers = { ...HANDSHAKE, ...at.authorization, Origin: origin };
    return (await at.ask(`${at.origin}${at.url.pathname}`, headers)).status;
  };
  const status = await statusOf('https://switchboard-doctor.invalid');
  const remedy = 'List the allowed sites in ALLOWED_ORIGINS; now any site may connect as its visitors.';
  report.check('origin rule', status === 403, `status ${status} for an unknown origin`, remedy);
  if (allowedOrigin === undefined) return;
  const allowed = await statusOf(allowedOrigin);
  const allowedRemedy = 'Add the origin to ALLOWED_ORIGINS; a proxy must pass on the Host with its port.';
  report.check('origin', allowed === 101, `status ${allowed} for ${allowedOrigin}`, allowedRemedy);
}
