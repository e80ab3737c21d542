import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { needs } from '../support/needs.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { exchange, request } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

needs('curl');

const KEY = 'a-key-of-sixteen-characters';
const H2C = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
/** Paths and their statuses without an `Upgrade` header. */
const PATHS: readonly (readonly [string, number])[] = [
  ['/', 200],
  ['/health/live', 200],
  ['/client.js', 200],
  ['/asyncapi.json', 200],
  ['/nowhere', 404],
  ['/wss', 426],
];

let server: TestServer;
let nginx: Nginx;
let ca: string;
beforeAll(async () => {
  server = await startServer({ API_KEYS: KEY });
  nginx = await startNginx({ appPort: server.port });
  ca = await readFile(nginx.caFile, 'utf8');
});
afterAll(async () => {
  await nginx?.stop();
  await server?.stop();
});

describe.each(['the process', 'nginx'])('a foreign Upgrade header at %s', (edge) => {
  const origin = (): string =>
    edge === 'nginx' ? `https://localhost:${nginx.httpsPort}` : `http://127.0.0.1:${server.port}`;

  it.each(PATHS)('changes nothing about the answer to %s, which is %i', async (path, status) => {
    const plain = await ask(origin() + path, { ca });
    expect(plain.status).toBe(status);
    for (const Upgrade of ['h2c', 'TLS/1.0', 'h2c, websocket', 'websocket2', 'x']) {
      const answer = await ask(origin() + path, { ca, headers: { ...H2C, Upgrade } });
      expect({ Upgrade, status: answer.status, body: answer.body }).toEqual({ Upgrade, status, body: plain.body });
    }
  });

  it('keeps the body of a request', async () => {
    const url = `${origin()}/api/v1/messages`;
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const words = ['-sk', '-w', '\n%{http_code}', '--data-binary', '@-', url];
      const headers = { ...H2C, Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
      for (const [name, value] of Object.entries(headers)) words.push('-H', `${name}: ${value}`);
      const child = execFile('curl', words, (error, output) => {
        if (error !== null) return reject(error);
        const [body = '', status] = output.split('\n');
        resolve({ status: Number(status), body });
      });
      child.stdin!.end(JSON.stringify({ receiver: '*', type: 'x', data: 'x'.repeat(20_000) }));
    });
    expect(answer).toEqual({ status: 200, body: '{"status":"accepted"}' });
  });

  it('is no obstacle for curl with --http2', async () => {
    const words = ['-sk', '--http2', '-o', '/dev/null', '-w', '%{http_code}', `${origin()}/health/live`];
    expect((await promisify(execFile)('curl', words)).stdout).toBe('200');
  });
});

describe('an upgrade to WebSocket', () => {
  it('is recognised whatever the case of its letters, through nginx too', async () => {
    const headers = { Upgrade: 'WebSocket', Connection: 'keep-alive, Upgrade' };
    for (const url of [server.url, nginx.url]) await (await connect(url, { ca, headers })).close(1000);
  });

  it('is not_found on every other path of the process', async () => {
    for (const [path] of PATHS.slice(0, -1))
      expect((await ask(`http://127.0.0.1:${server.port}${path}`, { headers: HANDSHAKE })).status).toBe(404);
  });

  it('is answered behind the requests before it, and its frames come behind those answers', async () => {
    const bytes = request('GET /health/ready HTTP/1.1', ['Host: localhost']) + request('GET /wss HTTP/1.1');
    const closeFrame = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
    const { status, body } = await exchange(server.port, Buffer.concat([Buffer.from(bytes), closeFrame]));
    expect(status).toBe(200);
    expect(body).toMatch(/^\{"status":"ok"[^\r\n]*\}HTTP\/1\.1 101 Switching Protocols\r\n/);
    const [, frames = ''] = body.split('\r\n\r\n');
    expect(frames).toContain('sys.welcome');
    expect(frames).not.toContain('HTTP/1.1');
  });

  it.each([
    ['an upgrade on another path', request('GET /nowhere HTTP/1.1'), 404],
    ['CONNECT', request('CONNECT localhost:1 HTTP/1.1', ['Host: localhost']), 405],
    ['bytes that are no HTTP', '\u0000\r\n\r\n', 400],
  ])('or a rejection of %s waits for the answers before it', async (_, bytes, status) => {
    const { body } = await exchange(server.port, request('GET /health/ready HTTP/1.1', ['Host: localhost']) + bytes);
    expect(body).toMatch(new RegExp(`^\\{"status":"ok"[^\\r\\n]*\\}HTTP/1\\.1 ${status} `));
  });
});
