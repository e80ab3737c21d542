import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { createApp } from '../../../dist/standalone/app.js';
import { HANDSHAKE_REJECTIONS } from '../../../dist/protocol/index.js';
import { SessionRegistry } from '../../../dist/sessions/session-registry.js';
import { Broken, words } from './target.js';

const PATH = '/wss';
const ORIGIN = 'https://app.example.com';
const VARIABLES = {
  LOG_LEVEL: 'error',
  NODE_ENV: 'production',
  ALLOWED_ORIGINS: `${ORIGIN},https://*.example.net`,
  FRONT_PROXIES: '127.0.0.0/8,::1',
  HANDSHAKES_PER_SECOND: '0',
  MAX_CONNECTIONS_PER_ADDRESS: '0',
};
/** Turns of the event loop within which a request is answered. */
const MAX_TURNS = 200;
const HEADERS = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

/** A connection without a network. */
class FakeSocket extends Duplex {
  remoteAddress = '127.0.0.1';
  encrypted = false;
  bytesRead = 0;
  bytesWritten = 0;
  /** @type {Buffer[]} */
  #written = [];

  get answer() {
    return Buffer.concat(this.#written).toString('latin1');
  }

  _read() {}

  _write(chunk, _, done) {
    this.#written.push(Buffer.from(chunk));
    done();
  }

  setTimeout() {
    return this;
  }

  setNoDelay() {
    return this;
  }

  setKeepAlive() {
    return this;
  }
}

/** The parts that a handshake needs, read from the bytes by other means than the server's. */
function firstRequest(input) {
  const [line = '', ...lines] = input
    .toString('latin1')
    .replace(/^(\r?\n)+/, '')
    .split(/\r?\n\r?\n/, 1)[0]
    .split(/\r?\n/);
  const headers = lines.map((each) => [
    each.slice(0, each.indexOf(':')).trim().toLowerCase(),
    each.slice(each.indexOf(':') + 1).trim(),
  ]);
  const all = (name) => headers.filter(([key]) => key === name).map(([, value]) => value);
  return { line, all };
}

/** Returns which rule of the handshake an accepted request breaks. */
function brokenRule({ line, all }) {
  const target = /^GET (?:https?:\/\/[^/?#]*)?(\/[^?# ]*)(?:[?#]\S*)? HTTP\/1\.1$/i.exec(line);
  if (target === null || (target[1] !== PATH && target[1] !== `${PATH}/`)) return 'path or method';
  if (all('host').length !== 1) return 'one Host';
  if (all('upgrade').join().toLowerCase() !== 'websocket') return 'Upgrade';
  if (all('sec-websocket-version').join() !== '13') return 'version';
  if (Buffer.from(all('sec-websocket-key').join(), 'base64').length !== 16) return 'key';
  if (all('transfer-encoding').length > 0 || all('content-length').some((length) => Number(length) !== 0))
    return 'body';
  const [origin] = all('origin');
  return origin === undefined || isAllowed(origin, all('host')[0]) ? undefined : 'origin';
}

function isAllowed(origin, host) {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.origin === ORIGIN || /^https:\/\/[^.]+\.example\.net$/.test(page.origin)) return true;
  return URL.canParse(`${page.protocol}//${host}`) && new URL(`${page.protocol}//${host}`).host === page.host;
}

/** @returns {Promise<import('./target.js').Target>} */
export async function handshakeTarget() {
  const app = await createApp({ variables: VARIABLES });
  await app.init();
  const server = app.getHttpServer();
  const sessions = app.get(SessionRegistry);
  /** @type {unknown} */
  let uncaught;
  process.on('uncaughtException', (error) => (uncaught ??= error));

  async function run(input) {
    uncaught = undefined;
    const socket = new FakeSocket();
    socket.on('error', () => undefined);
    server.emit('connection', socket);
    socket.push(input);
    for (let turn = 0; turn < MAX_TURNS && !isComplete(socket); turn++) await new Promise(setImmediate);
    const outcome = uncaught === undefined ? judge(input, socket.answer) : undefined;
    socket.push(null);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    socket.destroy();
    await new Promise(setImmediate);
    if (uncaught !== undefined) throw uncaught;
    if (sessions.size > 0) throw new Broken('a session outlives its connection');
    return outcome;
  }

  function judge(input, answer) {
    if (answer === '') return 'no answer yet';
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
    if (status === undefined) throw new Broken('the answer is not HTTP', answer.slice(0, 60));
    if (status === '101') return accepted(input);
    const [head, body = ''] = answer.split(/\r\n\r\n(.*)/s);
    const [, code] = /^\{"error":\{"code":"([a-z_]+)"/.exec(body) ?? [];
    if (code === undefined) return `${status} of another page`;
    if (HANDSHAKE_REJECTIONS[code]?.status !== Number(status))
      throw new Broken('code and status do not fit', { code, status });
    const [, length] = /^content-length: (\d+)/im.exec(head) ?? [];
    if (Number(length) > body.length) throw new Broken('the body is shorter than its length');
    return `${status} ${code} ${/"message":"([^"]*)/.exec(body)?.[1]}`;
  }

  function accepted(input) {
    const rule = brokenRule(firstRequest(input));
    if (rule !== undefined) throw new Broken('a handshake was accepted that breaks a rule', rule);
    for (const { address } of sessions.all())
      if (isIP(address) === 0) throw new Broken('the address is not one', address);
    return '101';
  }

  return {
    name: 'handshake',
    modules: ['/dist/gateway/handshake/', '/dist/gateway/upgrade-handler.js'],
    maxBytes: 1024,
    separators: '\n\n\n :/',
    dictionary: words(
      ...[...HEADERS, KEY].map((header) => `${header}\r\n`),
      'Origin: https://app.example.com\r\n',
      'Origin: https://a.example.net\r\n',
      'Origin: http://localhost\r\n',
      'Origin: null\r\n',
      'Origin: https://a.b.example.net\r\n',
      'Origin: https://.example.net\r\n',

      'X-Forwarded-For: 10.0.0.1\r\n',
      'X-Forwarded-For: ::1, 1::2\r\n',
      'X-Forwarded-For: 1.2.3.4:5, [::1]:6\r\n',
      'Forwarded: for="[1::2]:3";proto=https, for=127.0.0.1\r\n',
      'X-Real-IP: 1.2.3.4\r\n',
      'X-Forwarded-Proto: https\r\n',

      'Transfer-Encoding: chunked\r\n',
      'Content-Length: 1\r\n',
      'Sec-WebSocket-Protocol: switchboard.v1\r\n',
      'Host: [::1]:1\r\n',

      'Upgrade: h2c\r\n',
      'HTTP/1.0',
      'HTTP/2.0',
      'POST ',
      'HEAD ',
      'OPTIONS * ',
      'CONNECT a:1 ',
      'GET http://[/wss ',
      '%2f',
      '?',
      '#',
      '\r\n\r\n',
    ),
    seeds: [
      ...[`GET ${PATH}?a=1`, `GET ${PATH}/`, 'GET http://a/wss', 'GET //wss', 'HEAD /wss'].map((line) =>
        Buffer.from(`${line} HTTP/1.1\r\n${HEADERS.join('\r\n')}\r\n${KEY}\r\nOrigin: ${ORIGIN}\r\n\r\n`),
      ),
      ...words(
        'GET /wss HTTP/1.1\r\nHost: a\r\n\r\n',
        'GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n',
        'CONNECT a:1 HTTP/1.1\r\n\r\n',
        '\x16\x03\x01',
      ),
    ],
    run,
    close: () => app.close(),
  };
}

/** Returns whether a whole response, or that of an upgrade, was written, or the server has ended the connection. */
function isComplete(socket) {
  if (socket.destroyed || socket.writableEnded) return true;
  const { answer } = socket;
  const end = answer.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const [, length] = /content-length: (\d+)/i.exec(answer) ?? [];
  return answer.startsWith('HTTP/1.1 101') || length === undefined || answer.length - end - 4 >= Number(length);
}
