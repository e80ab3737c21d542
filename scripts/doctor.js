import { parseArgs } from 'node:util';
import { Deployment } from './doctor/deployment.js';
import { checkHandshake } from './doctor/handshake-checks.js';
import { Report } from './doctor/report.js';
import { checkResume } from './doctor/resume-checks.js';
import { checkSession } from './doctor/session-checks.js';

const USAGE = `npm run doctor -- --url wss://chat.example.com/wss

Checks a deployment from outside and prints each problem with its remedy; exit code 1 if a check fails.

  --url URL            the WebSocket URL that clients use (wss://localhost/wss)
  --base PATH          the HTTP_BASE of the server (/)
  --ca FILE            a private certificate authority, in PEM
  --http-port PORT     the plain HTTP port, which redirects (80)
  --token TOKEN        the token for a server with AUTH=required
  --origin ORIGIN      an origin that must be able to connect, such as https://app.example.com
  --api-key KEY        one of API_KEYS; needed to check which client address the server sees
  --from ADDRESS       the local address to connect from
  --timeout SECONDS    time limit of each answer (10)
  --quick              skip the heartbeat check`;
const EXIT_USAGE = 64;

const { url, base, ca, token, from, timeout, origin, quick, ...others } = readOptions();
const deployment = new Deployment({ url, base, ca, token, from, timeoutMs: Number(timeout) * 1000 });
const report = new Report();
await checkHandshake(deployment, report, { httpPort: others['http-port'], allowedOrigin: origin });
await checkSession(deployment, report, { apiKey: others['api-key'], quick });
await checkResume(deployment, report);
process.exit(report.end());

function readOptions() {
  const string = { type: 'string' };
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string', default: 'wss://localhost/wss' },
        base: { type: 'string', default: '/' },
        'http-port': { type: 'string', default: '80' },
        timeout: { type: 'string', default: '10' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        ca: string,
        token: string,
        origin: string,
        'api-key': string,
        from: string,
      },
    });
    if (values.help) stop(USAGE, 0);
    if (!URL.canParse(values.url) || !/^wss?:$/.test(new URL(values.url).protocol))
      stop(`--url must begin with ws:// or wss:// (it is ${String(values.url)})`);
    if (!(Number(values.timeout) > 0))
      stop(`--timeout must be a number of seconds above 0 (it is ${String(values.timeout)})`);
    return values;
  } catch (error) {
    return stop(error.message);
  }
}

/** @param {string} text @param {number} [code] @returns {never} */
function stop(text, code = EXIT_USAGE) {
  console.log(code === 0 ? text : `doctor: ${text}\n\n${USAGE}`);
  process.exit(code);
}
