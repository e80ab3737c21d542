import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { makeCertificates } from '../support/certificates.js';
import { wrongClock } from '../support/clock.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

const DOCTOR = fileURLToPath(new URL('../../scripts/doctor.js', import.meta.url));
const KEY = 'a-key-of-many-characters-indeed';
/** An address of this machine that differs from the one nginx connects from. */
const FAR = '127.0.0.2';

interface Diagnosis {
  readonly code: number;
  readonly said: string;
}

async function doctor(...words: string[]): Promise<Diagnosis> {
  return promisify(execFile)(process.execPath, [DOCTOR, ...words]).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, said: stdout }),
  );
}

/** Returns the line about a check, which begins with `ok`, `WRONG` or `-`. */
function of(what: string, { said }: Diagnosis): string | undefined {
  return said.split('\n').find((line) => line.replace(/^(ok|WRONG|-) +/, '').startsWith(`${what}: `));
}

describe('behind the proxy, the doctor', () => {
  let server: TestServer;
  let nginx: Nginx;
  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: '300', TRUSTED_PROXIES: '127.0.0.1', API_KEYS: KEY });
    nginx = await startNginx({ appPort: server.port });
  });
  afterAll(async () => {
    await nginx.stop();
    await server.stop();
  });

  it('passes every check of a good deployment', async () => {
    const way = ['--url', nginx.url, '--ca', nginx.caFile, '--http-port', String(nginx.httpPort), '--from', FAR];
    const origin = nginx.url.replace('wss:', 'https:').replace('/wss', '');
    const { code, said } = await doctor(...way, '--api-key', KEY, '--origin', origin);
    expect(said).toMatch(/^All is well\.$/m);
    expect(code).toBe(0);
    const checks = [...said.matchAll(/^ok +([a-z ]+):/gm)].map(([, what]) => what);
    expect(checks).toEqual([
      'readiness',
      'clock',
      'chain',
      'certificate',
      'redirect',
      'path',
      'other paths',
      'metrics',
      'origin rule',
      'origin',
      'version',
      'subprotocol',
      'address',
      'clock of the node',
      'heartbeat',
      'longest message',
      'limits',
    ]);
  });

  it('reports an untrusted certificate and continues', async () => {
    const diagnosis = await doctor('--url', nginx.url, '--http-port', String(nginx.httpPort), '--quick');
    expect(diagnosis.code).toBe(1);
    expect(of('chain', diagnosis)).toMatch(/^WRONG chain: (UNABLE_TO_|SELF_SIGNED_)/);
    expect(diagnosis.said).toMatch(/^1 thing is wrong\.$/m);
    expect(of('address', diagnosis)).toMatch(/^-.*--api-key/);
  });

  it('reports that plain HTTP is not redirected', async () => {
    const way = ['--url', nginx.url, '--ca', nginx.caFile, '--http-port', String(server.port)];
    const diagnosis = await doctor(...way, '--quick');
    expect([diagnosis.code, of('redirect', diagnosis)]).toEqual([1, 'WRONG redirect: 426']);
  });

  it('reports an idle timeout of the proxy below the heartbeat interval', async () => {
    const calm = await startServer({ HEARTBEAT_MS: '60000' });
    const hasty = await startNginx({ appPort: calm.port, idleTimeout: '1s' });
    const way = ['--url', hasty.url, '--ca', hasty.caFile, '--http-port', String(hasty.httpPort)];
    const diagnosis = await doctor(...way);
    expect([diagnosis.code, of('heartbeat', diagnosis)]).toEqual([
      1,
      expect.stringMatching(/^WRONG .*closed with 1006/),
    ]);
    await hasty.stop();
    await calm.stop();
  });

  it('reports that the server takes the address of the proxy for that of the client', async () => {
    const blind = await startServer({ API_KEYS: KEY });
    const front = await startNginx({ appPort: blind.port });
    const way = ['--url', front.url, '--ca', front.caFile, '--http-port', String(front.httpPort), '--from', FAR];
    const diagnosis = await doctor(...way, '--api-key', KEY, '--quick');
    expect([diagnosis.code, of('address', diagnosis)]).toEqual([1, 'WRONG address: the server sees 127.0.0.1']);
    expect(diagnosis.said).toContain('TRUSTED_PROXIES');
    await front.stop();
    await blind.stop();
  });
});

describe('without a proxy, the doctor', () => {
  let server: TestServer | undefined;
  let child: ServerProcess | undefined;
  afterEach(async () => {
    await server?.stop();
    await child?.kill();
    server = child = undefined;
  });

  const look = async (settings: Record<string, string>, ...words: string[]): Promise<Diagnosis> => {
    server = await startServer(settings);
    return doctor('--url', server.url, '--quick', ...words);
  };

  it('reports a connection without TLS', async () => {
    const diagnosis = await look({});
    expect([diagnosis.code, of('encryption', diagnosis)]).toEqual([1, 'WRONG encryption: ws:']);
    expect(diagnosis.said).toMatch(/^1 thing is wrong\.$/m);
  });

  it('reports a path that is not the WebSocket endpoint', async () => {
    server = await startServer();
    const diagnosis = await doctor('--url', server.url.replace('/wss', '/elsewhere'), '--quick');
    expect(diagnosis.code).toBe(1);
    expect(of('path', diagnosis)).toBe('WRONG path: a plain GET is answered 404');
    expect(of('session', diagnosis)).toMatch(/^WRONG session: .*404/);
  });

  it('reports that any origin is allowed, or that the given origin is not', async () => {
    const app = 'https://app.example.com';
    const open = await look({ ALLOWED_ORIGINS: '*', ALLOW_ANY_ORIGIN: 'yes' }, '--origin', app);
    expect(of('origin rule', open)).toBe('WRONG origin rule: a foreign origin is answered 101');
    expect(of('origin', open)).toMatch(/^ok /);
    await server?.stop();
    const closed = await look({}, '--origin', app);
    expect(of('origin rule', closed)).toMatch(/^ok /);
    expect(of('origin', closed)).toBe(`WRONG origin: ${app} is answered 403`);
  });

  it('reports that clients can claim any address', async () => {
    const diagnosis = await look({ TRUSTED_PROXIES: '127.0.0.1', API_KEYS: KEY }, '--api-key', KEY);
    expect(of('address', diagnosis)).toMatch(/^WRONG address: the server sees 203\./);
    expect(diagnosis.said).toContain('anybody may claim any address');
  });

  it('sends the given token', async () => {
    const without = await look(AUTH);
    expect(of('session', without)).toMatch(/^WRONG session: .*401/);
    await server?.stop();
    const diagnosis = await look(AUTH, '--token', await token());
    expect(diagnosis.said).toMatch(/^1 thing is wrong\.$/m); // that it is not encrypted
  });

  it('reports a wrong name in the certificate, its near expiry, and public metrics', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-doctor-'));
    await makeCertificates(folder, '--host', 'elsewhere.example', '--days', '3');
    const [cert, key] = [join(folder, 'server.crt'), join(folder, 'server.key')];
    const diagnosis = await look({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key }, '--ca', join(folder, 'ca.crt'));
    expect(of('chain', diagnosis)).toBe('WRONG chain: ERR_TLS_CERT_ALTNAME_INVALID');
    expect(of('certificate', diagnosis)).toMatch(/^WRONG certificate: [23] days left/);
    expect(of('metrics', diagnosis)).toBe('WRONG metrics: 200');
    expect(of('limits', diagnosis)).toMatch(/^ok /);
    await rm(folder, { recursive: true });
  });

  it('reports a wrong clock', async () => {
    child = await ServerProcess.start({ API_KEYS: KEY }, { before: wrongClock('FAKETIME=+2h') });
    const diagnosis = await doctor('--url', child.url, '--quick', '--api-key', KEY);
    expect(of('clock', diagnosis)).toMatch(/^WRONG clock: 7[0-9]{3} s apart/);
    expect(of('clock of the node', diagnosis)).toMatch(/^WRONG/);
  });

  it('reports a server that is not Switchboard or has another protocol version', async () => {
    const stranger = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => false });
    stranger.on('connection', (socket) => {
      const data = { protocol: 2, heartbeatMs: 1000, maxMessageBytes: 1000 };
      socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: 'a.b', data }));
    });
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    const diagnosis = await doctor('--url', `ws://127.0.0.1:${port}/wss`, '--timeout', '1');
    const wrong = [...diagnosis.said.matchAll(/^WRONG ([a-z ]+):/gm)].map(([, what]) => what);
    expect(wrong).toEqual([
      'readiness',
      'encryption',
      'path',
      'other paths',
      'origin rule',
      'version',
      'subprotocol',
      'heartbeat',
      'longest message',
      'limits',
    ]);
    for (const socket of stranger.clients) socket.terminate();
    await new Promise((resolve) => stranger.close(resolve));
  });

  it('reports an unreachable server', async () => {
    const { code, said } = await doctor('--url', 'ws://127.0.0.1:1/wss', '--quick');
    expect([code, said]).toEqual([1, expect.stringMatching(/^WRONG node: .*ECONNREFUSED/m)]);
  });

  it('prints its usage for wrong arguments', async () => {
    for (const words of [['--url', 'https://localhost'], ['--timeout', 'x'], ['--what']]) {
      const { code, said } = await doctor(...words);
      expect([code, said]).toEqual([64, expect.stringContaining('npm run doctor -- --url')]);
    }
  });
});
