import { parseArgs } from 'node:util';
import { Deployment } from './doctor/deployment.js';
import { lookAtDoor } from './doctor/door.js';
import { Report } from './doctor/report.js';
import { stay } from './doctor/stay.js';

const USAGE = `npm run doctor -- --url wss://chat.example.com/wss

Checks a deployment from outside and says what is wrong and what to change; exit code 1 if anything is.

  --url URL            the entry, as clients are told it (wss://localhost/wss)
  --ca FILE            an authority of your own, in PEM
  --http-port PORT     where plain HTTP is redirected (80)
  --token TOKEN        for a server with AUTH=required
  --origin ORIGIN      a page that must be able to connect, such as https://app.example.com
  --api-key KEY        one of API_KEYS: to see whom the server takes this machine for
  --from ADDRESS       the address to connect from, on a machine that has several
  --timeout SECONDS    for each answer (10)
  --quick              do not wait for a heartbeat`;
const EXIT_USAGE = 64;

const { url, ca, token, from, timeout, origin, quick, ...told } = words();
const at = new Deployment({ url, ca, token, from, timeoutMs: Number(timeout) * 1000 });
const report = new Report();
await lookAtDoor(at, report, { httpPort: told['http-port'], origin });
await stay(at, report, { apiKey: told['api-key'], quick });
process.exit(report.end());

function words() {
  const string = { type: 'string' };
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string', default: 'wss://localhost/wss' },
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
    if (!URL.canParse(values.url) || !/^wss?:$/.test(new URL(values.url).protocol)) stop(`--url: ws:// or wss://`);
    if (!(Number(values.timeout) > 0)) stop('--timeout: seconds');
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
