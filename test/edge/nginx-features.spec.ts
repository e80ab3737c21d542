import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';
import { SubjectModule } from '../support/subject.gateway.js';

let folder: string;
let server: TestServer;
let secret: string;
let nginx: Nginx | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-clients-'));
  await makeCertificates(folder, '--client', 'ann');
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  const file = join(folder, 'secret');
  server = await startServer({ FRONT_PROXIES: '127.0.0.1', PROXY_SECRET_FILE: file }, [SubjectModule]);
  secret = await readFile(file, 'utf8');
});
afterEach(async () => {
  await nginx?.stop();
  nginx = undefined;
  await server.stop();
});

async function start(variables: Record<string, string>, withSecret = true): Promise<string> {
  nginx = await startNginx({ appPort: server.port, variables, ...(withSecret && { proxySecret: secret }) });
  return readFile(nginx.caFile, 'utf8');
}

async function pair(of: string, name: string) {
  const [cert, key] = await Promise.all(['crt', 'key'].map((kind) => readFile(join(of, `${name}.${kind}`), 'utf8')));
  return { cert: cert!, key: key! };
}

/** Returns the certificate subject that handlers see for a session. */
async function subject(url: string, options: Parameters<typeof connect>[1]): Promise<unknown> {
  const client = await connect(url, options);
  client.send({ type: 'subject' });
  const { data } = (await client.next('subject')) as { data: unknown };
  await client.close(1000);
  return data;
}

describe('nginx with TLS_CLIENT_CA', () => {
  const wanted = () => ({ TLS_CLIENT_CA: 'clients.crt', MOUNTED_CLIENT_CA: join(folder, 'ca.crt') });

  it('accepts a client certificate of that authority, and passes it to the application', async () => {
    const ca = await start(wanted());
    const forged = encodeURIComponent(await readFile(join(folder, 'server.crt'), 'utf8'));
    const headers = { 'X-Client-Certificate': forged, X_Client_Certificate: forged };
    expect(await subject(nginx!.url, { ca, ...(await pair(folder, 'ann')), headers })).toMatchObject({ CN: 'ann' });
  });

  it('rejects a missing client certificate, and one of another authority', async () => {
    const ca = await start(wanted());
    const url = nginx!.url.replace('wss:', 'https:');
    for (const shown of [{}, await pair(nginx!.folder, 'server')]) {
      const { status, body } = await ask(url, { ca, ...shown, headers: HANDSHAKE });
      expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({
        status: 400,
        error: { code: 'bad_handshake' },
      });
    }
  });

  it('is not trusted about it without the proxy secret', async () => {
    const ca = await start(wanted(), false);
    expect(await subject(nginx!.url, { ca, ...(await pair(folder, 'ann')) })).toBe('none');
  });

  it('ends the start with one line if the file is no certificate', async () => {
    const bad = { ...wanted(), MOUNTED_CLIENT_CA: join(folder, 'ca.key') };
    await expect(start(bad)).rejects.toThrow('TLS_CLIENT_CA: no certificate in clients.crt');
    await expect(start({ ...bad, MOUNTED_CLIENT_CA: folder })).rejects.toThrow(
      'TLS_CLIENT_CA: cannot read clients.crt',
    );
  });
});

it('no header forges a certificate subject, neither through nginx nor past it', async () => {
  const ca = await start({});
  const headers = { 'X-Client-Certificate': encodeURIComponent(await readFile(join(folder, 'ann.crt'), 'utf8')) };
  expect(await subject(nginx!.url, { ca, headers })).toBe('none');
  expect(await subject(server.url, { headers })).toBe('none');
  expect(await subject(server.url, { headers: { ...headers, 'X-Proxy-Secret': 'guess' } })).toBe('none');
  expect(await subject(server.url, { headers: { ...headers, 'X-Proxy-Secret': secret } })).toMatchObject({ CN: 'ann' });
});

describe('nginx with PROXY_PROTOCOL=on', () => {
  /** Connects as a load balancer with this PROXY header, and returns the client address that the application sees. */
  async function seenFrom(ca: string, line: string): Promise<string | undefined> {
    const { httpsPort } = nginx!;
    const client = await connect(nginx!.url, {
      createConnection: () => {
        const tcp = connectTcp(httpsPort, '127.0.0.1');
        tcp.write(line);
        return connectTls({ socket: tcp, ca, servername: 'localhost' });
      },
    });
    const address = server.app.get(SessionRegistry, { strict: false }).find(client.id)?.address;
    await client.close(1000);
    return address;
  }
  const LINE = 'PROXY TCP4 203.0.113.7 127.0.0.1 5000 443\r\n';

  it('takes the client address from a trusted load balancer', async () => {
    const ca = await start({ PROXY_PROTOCOL: 'on', FRONT_PROXIES: '127.0.0.1 ::1' });
    expect(await seenFrom(ca, LINE)).toBe('203.0.113.7');
    expect(await seenFrom(ca, 'PROXY TCP6 2001:db8::7 ::1 5000 443\r\n')).toBe('2001:db8::7');
    expect(await seenFrom(ca, 'PROXY UNKNOWN\r\n')).toBe('127.0.0.1');
  });

  it('ignores the PROXY header of any other sender', async () => {
    const ca = await start({ PROXY_PROTOCOL: 'on', FRONT_PROXIES: '10.0.0.0/8' });
    expect(await seenFrom(ca, LINE)).toBe('127.0.0.1');
  });

  it('rejects connections without a PROXY header on both ports, except the health check', async () => {
    const ca = await start({ PROXY_PROTOCOL: 'on', FRONT_PROXIES: '127.0.0.1' });
    await expect(connect(nginx!.url, { ca })).rejects.toThrow(/could not connect|hang up|disconnected|ECONNRESET/);
    const tcp = connectTcp(nginx!.httpPort, '127.0.0.1');
    tcp.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await text(tcp).catch(() => '')).toBe('');
    const health = connectTls({ path: join(nginx!.folder, 'run/health.sock'), ca, servername: 'localhost' });
    await once(health, 'secureConnect');
    health.destroy();
  });
});

describe('nginx with HANDSHAKES_PER_SECOND', () => {
  const handshakes = async (ca: string, count: number): Promise<number[]> => {
    const url = nginx!.url.replace('wss:', 'https:');
    return (await Promise.all(Array.from({ length: count }, () => ask(url, { ca })))).map(({ status }) => status);
  };

  it('limits handshakes at the same rate as the application', async () => {
    const ca = await start({ HANDSHAKES_PER_SECOND: '1' });
    const statuses = await handshakes(ca, 20);
    expect(new Set(statuses)).toEqual(new Set([426, 429]));
    expect(statuses.filter((status) => status === 426).length).toBeGreaterThanOrEqual(4);
  });

  it('limits nothing when it is 0', async () => {
    const ca = await start({ HANDSHAKES_PER_SECOND: '0' });
    expect(new Set(await handshakes(ca, 300))).toEqual(new Set([426]));
  });

  it.each(['many', '050', '-1'])('ends the start with one line when it is %s', async (value) => {
    await expect(start({ HANDSHAKES_PER_SECOND: value })).rejects.toThrow(
      `HANDSHAKES_PER_SECOND must be a whole number of handshakes (it is ${value})`,
    );
  });
});

describe('nginx with REQUESTS_PER_SECOND and MAX_CONNECTIONS_PER_ADDRESS', () => {
  it('turns away requests to every path past the rate of an address', async () => {
    const ca = await start({ REQUESTS_PER_SECOND: '1' });
    const url = `https://localhost:${nginx!.httpsPort}/health/live`;
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url, { ca })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    const { body } = answers.find(({ status }) => status === 429)!;
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'too_many_connections' } });
  });

  it('turns away connections past twice the number of an address, and no session', async () => {
    const ca = await start({ MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const sessions = [];
    while (sessions.length < 4) sessions.push(await connect(nginx!.url, { ca }));
    const url = `https://localhost:${nginx!.httpsPort}/health/live`;
    expect((await ask(url, { ca })).status).toBe(429);
    await Promise.all(sessions.map((session) => session.settled()));
    await Promise.all(sessions.map((session) => session.close(1000)));
  });

  it('does not count handshakes with a token, which count to their user', async () => {
    const ca = await start({ MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const tokens = [
      { headers: { authorization: 'Bearer a.b.c' } },
      { protocols: ['switchboard.v1', 'bearer.a.b.c'] },
      { protocols: ['bearer.a.b.c', 'switchboard.v1'] },
    ];
    const sessions = [];
    for (const options of [...tokens, ...tokens]) sessions.push(await connect(nginx!.url, { ca, ...options }));
    while (sessions.length < 10) sessions.push(await connect(nginx!.url, { ca }));
    expect((await ask(`https://localhost:${nginx!.httpsPort}/health/live`, { ca })).status).toBe(429);
    await Promise.all(sessions.map((session) => session.close(1000)));
  });

  it('turns nobody away where both are 0, and ends the start with one plain line where one is no number', async () => {
    const ca = await start({ REQUESTS_PER_SECOND: '0', MAX_CONNECTIONS_PER_ADDRESS: '0' });
    expect((await ask(`https://localhost:${nginx!.httpsPort}/health/live`, { ca })).status).toBe(200);
    await nginx!.stop();
    nginx = undefined;
    for (const name of ['REQUESTS_PER_SECOND', 'MAX_CONNECTIONS_PER_ADDRESS'])
      await expect(start({ [name]: 'many' })).rejects.toThrow(`${name} must be a whole number`);
  });
});

describe('HSTS', () => {
  const hsts = async (path: string, ca: string, secure = true): Promise<string | undefined> => {
    const { headers } = await ask(`http${secure ? 's' : ''}://localhost:${nginx!.httpsPort}${path}`, { ca });
    return headers['strict-transport-security'];
  };

  it('is sent with the certificate of the operator, in every answer over TLS', async () => {
    const ca = await start({ TLS_CERT_DIR: 'certificates' });
    for (const path of ['/health/live', '/wss', '/metrics']) expect(await hsts(path, ca)).toBe('max-age=63072000');
    expect(await hsts('/', ca, false)).toBeUndefined();
  });

  it('is not sent with a local certificate, or with HSTS_SECONDS=0', async () => {
    expect(await hsts('/wss', await start({}))).toBeUndefined();
    await nginx!.stop();
    expect(await hsts('/wss', await start({ TLS_CERT_DIR: 'certificates', HSTS_SECONDS: '0' }))).toBeUndefined();
  });
});
