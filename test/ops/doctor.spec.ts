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
import { startApache } from '../support/apache.js';
import { makeCertificates } from '../support/certificates.js';
import { wrongClock } from '../support/clock.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, token } from '../support/tokens.js';

const DOCTOR = fileURLToPath(new URL('../../scripts/doctor.js', import.meta.url));
const KEY = 'a-key-of-many-characters-indeed';
/** An address of this machine from which nginx does not connect. */
const OTHER_ADDRESS = '127.0.0.2';

interface Diagnosis {
  readonly code: number;
  readonly output: string;
  /** Lines on standard error. */
  readonly notes: string;
}

async function doctor(...args: string[]): Promise<Diagnosis> {
  return promisify(execFile)(process.execPath, [DOCTOR, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout, notes: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      output: stdout,
      notes: stderr,
    }),
  );
}

/** Returns the line of a check, which begins with `ok`, `FAIL` or `skip`. */
function of(name: string, { output }: Diagnosis): string | undefined {
  return output.split('\n').find((line) => line.replace(/^(ok|FAIL|skip) +/, '').startsWith(`${name}: `));
}

describe('behind the proxy, the doctor', () => {
  let server: TestServer;
  let nginx: Nginx;
  beforeAll(async () => {
    server = await startServer({ HEARTBEAT_MS: '300', FRONT_PROXIES: '127.0.0.1', API_KEYS: KEY });
    nginx = await startNginx({ appPort: server.port });
  });
  afterAll(async () => {
    await nginx.stop();
    await server.stop();
  });

  it('passes every check', async () => {
    const target = [
      '--url',
      nginx.url,
      '--ca',
      nginx.caFile,
      '--http-port',
      String(nginx.httpPort),
      '--from',
      OTHER_ADDRESS,
    ];
    const origin = nginx.url.replace('wss:', 'https:').replace('/wss', '');
    const { code, output, notes } = await doctor(...target, '--api-key', KEY, '--origin', origin);
    expect(notes).toBe('     waiting for a ping, at most 1 s; --quick skips this check\n');
    expect(output).toMatch(/^All checks passed\.$/m);
    expect(code).toBe(0);
    const checks = [...output.matchAll(/^ok +([a-z ]+):/gm)].map(([, name]) => name);
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
      'resume',
    ]);
  });

  it('reports a certificate of an unknown authority, and goes on', async () => {
    const diagnosis = await doctor('--url', nginx.url, '--http-port', String(nginx.httpPort), '--quick');
    expect(diagnosis.code).toBe(1);
    expect(of('chain', diagnosis)).toMatch(/^FAIL chain: (UNABLE_TO_|SELF_SIGNED_)/);
    expect(diagnosis.output).toMatch(/^1 check failed\.$/m);
    expect(of('address', diagnosis)).toMatch(/^skip.*--api-key/);
  });

  it('reports plain HTTP without a redirect', async () => {
    const target = ['--url', nginx.url, '--ca', nginx.caFile, '--http-port', String(server.port)];
    const diagnosis = await doctor(...target, '--quick');
    expect([diagnosis.code, of('redirect', diagnosis)]).toEqual([1, 'FAIL redirect: 426']);
  });

  it('reports a proxy whose idle timeout is below the heartbeat', async () => {
    const slow = await startServer({ HEARTBEAT_MS: '60000' });
    const impatient = await startNginx({ appPort: slow.port, variables: { IDLE_TIMEOUT: '1s' } });
    const target = ['--url', impatient.url, '--ca', impatient.caFile, '--http-port', String(impatient.httpPort)];
    const diagnosis = await doctor(...target);
    expect([diagnosis.code, of('heartbeat', diagnosis)]).toEqual([
      1,
      expect.stringMatching(/^FAIL .*closed with 1006/),
    ]);
    await impatient.stop();
    await slow.stop();
  });

  it('reports a server that takes the proxy for the client', async () => {
    const untrusting = await startServer({ API_KEYS: KEY });
    const front = await startNginx({ appPort: untrusting.port });
    const target = [
      '--url',
      front.url,
      '--ca',
      front.caFile,
      '--http-port',
      String(front.httpPort),
      '--from',
      OTHER_ADDRESS,
    ];
    const diagnosis = await doctor(...target, '--api-key', KEY, '--quick');
    expect([diagnosis.code, of('address', diagnosis)]).toEqual([1, 'FAIL address: the server sees 127.0.0.1']);
    expect(diagnosis.output).toContain('FRONT_PROXIES');
    await front.stop();
    await untrusting.stop();
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

  const diagnose = async (settings: Record<string, string>, ...args: string[]): Promise<Diagnosis> => {
    server = await startServer(settings);
    return doctor('--url', server.url, '--quick', ...args);
  };

  it('reports a connection without TLS', async () => {
    const diagnosis = await diagnose({});
    expect([diagnosis.code, of('encryption', diagnosis)]).toEqual([1, 'FAIL encryption: ws:']);
    expect(diagnosis.output).toMatch(/^1 check failed\.$/m);
  });

  it('reports a path other than WS_PATH', async () => {
    server = await startServer();
    const diagnosis = await doctor('--url', server.url.replace('/wss', '/another-path'), '--quick');
    expect(diagnosis.code).toBe(1);
    expect(of('path', diagnosis)).toBe('FAIL path: status 404 for a plain GET');
    expect(of('session', diagnosis)).toMatch(/^FAIL session: .*404/);
  });

  it('reports an open origin policy, and an origin that may not connect', async () => {
    const app = 'https://app.example.com';
    const open = await diagnose({ ALLOWED_ORIGINS: '*', ALLOW_ANY_ORIGIN: 'yes' }, '--origin', app);
    expect(of('origin rule', open)).toBe('FAIL origin rule: status 101 for an unknown origin');
    expect(of('origin', open)).toMatch(/^ok /);
    await server?.stop();
    const closed = await diagnose({}, '--origin', app);
    expect(of('origin rule', closed)).toMatch(/^ok /);
    expect(of('origin', closed)).toBe(`FAIL origin: status 403 for ${app}`);
  });

  it('reports a server that trusts forged addresses', async () => {
    const diagnosis = await diagnose({ FRONT_PROXIES: '127.0.0.1', API_KEYS: KEY }, '--api-key', KEY);
    expect(of('address', diagnosis)).toMatch(/^FAIL address: the server sees 203\./);
    expect(diagnosis.output).toContain('any client can claim any address');
  });

  it('passes over the return where no session resumes, and reports a return that fails', async () => {
    expect(of('resume', await diagnose({ RESUME_WINDOW_MS: '0' }))).toMatch(/^skip resume: RESUME_WINDOW_MS=0/);
    const forgetful = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    forgetful.on('connection', (socket) => {
      const data = { protocol: 1, heartbeatMs: 1000, maxMessageBytes: 1000, resume: { token: 'x' }, resumed: false };
      socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: 'a.b', data }));
      socket.on('message', () => socket.send('{"type":"sys.pong"}'));
    });
    await once(forgetful, 'listening');
    const { port } = forgetful.address() as AddressInfo;
    const diagnosis = await doctor('--url', `ws://127.0.0.1:${port}/wss`, '--timeout', '1', '--quick');
    expect(of('resume', diagnosis)).toBe('FAIL resume: a new session, for no reason');
    expect(diagnosis.output).toContain('NODE_ADDRESS');
    for (const socket of forgetful.clients) socket.terminate();
    await new Promise((resolve) => forgetful.close(resolve));
  });

  it('sends the token of --token', async () => {
    const without = await diagnose(AUTH);
    expect(of('session', without)).toMatch(/^FAIL session: .*401/);
    await server?.stop();
    const diagnosis = await diagnose(AUTH, '--token', await token());
    expect(diagnosis.output).toMatch(/^1 check failed\.$/m); // that it is not encrypted
  });

  it('accepts the metrics that Apache denies', async () => {
    server = await startServer({ FRONT_PROXIES: '127.0.0.1' });
    const apache = await startApache(server.port);
    const diagnosis = await doctor('--url', apache.url, '--ca', apache.caFile, '--quick').finally(() => apache.stop());
    expect(of('metrics', diagnosis)).toBe('ok   metrics: status 403');
  });

  it('reports a certificate for another name that expires soon, and public metrics', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-doctor-'));
    await makeCertificates(folder, '--host', 'another.example', '--days', '3');
    const [cert, key] = [join(folder, 'server.crt'), join(folder, 'server.key')];
    const diagnosis = await diagnose({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key }, '--ca', join(folder, 'ca.crt'));
    expect(of('chain', diagnosis)).toBe('FAIL chain: ERR_TLS_CERT_ALTNAME_INVALID');
    expect(of('certificate', diagnosis)).toMatch(/^FAIL certificate: [23] days left/);
    expect(of('metrics', diagnosis)).toBe('FAIL metrics: status 200');
    expect(of('limits', diagnosis)).toMatch(/^ok /);
    await rm(folder, { recursive: true });
  });

  it('reports a wrong clock', async () => {
    child = await ServerProcess.start({ API_KEYS: KEY }, { before: wrongClock('FAKETIME=+2h') });
    const diagnosis = await doctor('--url', child.url, '--quick', '--api-key', KEY);
    expect(of('clock', diagnosis)).toMatch(/^FAIL clock: 7[0-9]{3} s apart/);
    expect(of('clock of the node', diagnosis)).toMatch(/^FAIL/);
  });

  it('reports a server that is not Switchboard, or of another version', async () => {
    const impostor = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => false });
    impostor.on('connection', (socket) => {
      const data = { protocol: 2, heartbeatMs: 1000, maxMessageBytes: 1000 };
      socket.send(JSON.stringify({ type: 'sys.welcome', sender: 'server', receiver: 'a.b', data }));
    });
    await once(impostor, 'listening');
    const { port } = impostor.address() as AddressInfo;
    const diagnosis = await doctor('--url', `ws://127.0.0.1:${port}/wss`, '--timeout', '1');
    const failed = [...diagnosis.output.matchAll(/^FAIL ([a-z ]+):/gm)].map(([, name]) => name);
    expect(failed).toEqual([
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
      'resume',
    ]);
    for (const socket of impostor.clients) socket.terminate();
    await new Promise((resolve) => impostor.close(resolve));
  });

  it('reports a port without a server', async () => {
    const { code, output } = await doctor('--url', 'ws://127.0.0.1:1/wss', '--quick');
    expect([code, output]).toEqual([1, expect.stringMatching(/^FAIL node: .*ECONNREFUSED/m)]);
  });

  it('prints its usage for wrong arguments', async () => {
    for (const args of [['--url', 'https://localhost'], ['--timeout', 'x'], ['--what']]) {
      const { code, output } = await doctor(...args);
      expect([code, output]).toEqual([64, expect.stringContaining('npm run doctor -- --url')]);
    }
  });
});
