import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/standalone/app.js';
import { ask } from '../support/ask.js';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { SubjectModule } from '../support/subject.gateway.js';

let folder: string;
let other: string;
let ca: string;
let server: TestServer | undefined;

beforeAll(async () => {
  [folder, other] = (await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), 'switchboard-tls-'))))) as [
    string,
    string,
  ];
  await makeCertificates(folder, '--client', 'ann');
  await makeCertificates(other, '--client', 'eve');
  ca = await readFile(join(folder, 'ca.crt'), 'utf8');
});
afterAll(() => Promise.all([folder, other].map((each) => rm(each, { recursive: true }))));
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function files(of = folder): Record<string, string> {
  return { TLS_CERT_FILE: join(of, 'server.crt'), TLS_KEY_FILE: join(of, 'server.key') };
}

async function handshake(options: { minVersion?: SecureVersion; maxVersion?: SecureVersion; ciphers?: string } = {}) {
  const socket: TLSSocket = connectTls({
    port: server!.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca,
    ...options,
  });
  await once(socket, 'secureConnect');
  const shown = { version: socket.getProtocol(), serial: socket.getPeerCertificate().serialNumber };
  socket.destroy();
  return shown;
}

describe('TLS of the process', () => {
  it('serves messages and departure notices over wss', async () => {
    server = await startServer(files());
    const url = server.url.replace('127.0.0.1', 'localhost');
    const [ann, bob] = await Promise.all([connect(url, { ca }), connect(url, { ca })]);
    ann.send({ type: 'offer', receiver: bob.id, data: 'x'.repeat(60_000), id: '1' });
    expect((await bob.next('offer')).data).toHaveLength(60_000);
    expect(await ann.next('sys.ack')).toMatchObject({ ref: '1' });
    bob.terminate();
    expect(await ann.next('sys.departed')).toMatchObject({ sender: bob.id, data: { code: 1006 } });
    await ann.close(1000);
  });

  it('accepts TLS 1.2 and 1.3, nothing older, and no suite without forward secrecy', async () => {
    server = await startServer(files());
    expect((await handshake()).version).toBe('TLSv1.3');
    expect((await handshake({ maxVersion: 'TLSv1.2' })).version).toBe('TLSv1.2');
    await expect(
      handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ).rejects.toThrow(/alert|protocol|cipher|ECONNRESET/i);
    await expect(handshake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' })).rejects.toThrow(
      /alert|protocol|cipher|ECONNRESET/i,
    );
  });

  it('answers plain HTTP that the port needs TLS', async () => {
    server = await startServer(files());
    const { status, body } = await ask(`http://127.0.0.1:${server.port}/wss`);
    expect({ status, message: JSON.parse(body) as unknown }).toEqual({
      status: 400,
      message: { error: { code: 'bad_handshake', message: 'This port speaks TLS: use https or wss.' } },
    });
  });

  it('requires a client certificate with TLS_CLIENT_CA_FILE, and passes its subject to handlers', async () => {
    server = await startServer({ ...files(), TLS_CLIENT_CA_FILE: join(folder, 'ca.crt') }, [SubjectModule]);
    const pair = async (of: string, name: string) => ({
      ca,
      cert: await readFile(join(of, `${name}.crt`)),
      key: await readFile(join(of, `${name}.key`)),
    });
    const url = server.url.replace('127.0.0.1', 'localhost');
    const ann = await connect(url, await pair(folder, 'ann'));
    ann.send({ type: 'subject', id: '1' });
    expect((await ann.next('subject')).data).toMatchObject({ CN: 'ann' });
    await expect(connect(url, { ca })).rejects.toThrow(/could not connect|alert|hang up|ECONNRESET/);
    await expect(connect(url, await pair(other, 'eve'))).rejects.toThrow(/could not connect|alert|hang up|ECONNRESET/);
    await ann.close(1000);
  });

  it('reloads a renewed certificate without closing connections, and keeps the old one while the pair does not match', async () => {
    const live = await mkdtemp(join(tmpdir(), 'switchboard-live-'));
    for (const name of ['server.crt', 'server.key']) await cp(join(folder, name), join(live, name));
    server = await startServer({ ...files(live), TLS_RELOAD_MS: '50' });
    const client = await connect(server.url.replace('127.0.0.1', 'localhost'), { ca });
    const before = (await handshake()).serial;
    ca += await readFile(join(other, 'ca.crt'), 'utf8');
    await writeFile(join(live, 'server.crt'), await readFile(join(other, 'server.crt')));
    expect((await handshake()).serial).toBe(before);
    await writeFile(join(live, 'server.key'), await readFile(join(other, 'server.key')));
    for (let serial = before; serial === before;) serial = (await handshake()).serial;
    await client.settled();
    await client.close(1000);
    await rm(live, { recursive: true });
  });
});

/** Writes a certificate that expired yesterday, for the existing key. */
async function expire(of: string): Promise<void> {
  const [key, request, out] = ['server.key', 'expired.csr', 'expired.crt'].map((name) => join(of, name)) as [
    string,
    string,
    string,
  ];
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args);
  await openssl('req', '-new', '-key', key, '-subj', '/CN=localhost', '-out', request);
  await openssl('x509', '-req', '-in', request, '-signkey', key, '-days', '-1', '-out', out);
}

describe('a start with bad files', () => {
  it('ends with one line', async () => {
    const start = async (variables: Record<string, string>): Promise<unknown> =>
      createApp({ variables: { PORT: '0', LOG_LEVEL: 'error', ...variables } }).catch((error: Error) => error.message);
    await writeFile(join(other, 'empty.pem'), '');
    const { TLS_CERT_FILE, TLS_KEY_FILE } = files() as { TLS_CERT_FILE: string; TLS_KEY_FILE: string };
    expect(await start({ TLS_CERT_FILE })).toMatch(/^TLS_CERT_FILE needs TLS_KEY_FILE/);
    expect(await start({ TLS_CERT_FILE: '/none', TLS_KEY_FILE })).toMatch(
      /^TLS_CERT_FILE: cannot be read: ENOENT[^\n]*$/,
    );
    expect(await start({ TLS_CERT_FILE: TLS_KEY_FILE, TLS_KEY_FILE })).toMatch(
      /^TLS_CERT_FILE: \S+ holds no certificate$/,
    );
    expect(await start({ TLS_CERT_FILE, TLS_KEY_FILE: join(other, 'empty.pem') })).toMatch(/holds no private key$/);
    expect(await start({ TLS_CERT_FILE, TLS_KEY_FILE: join(other, 'server.key') })).toMatch(/is not the key of/);
    await expire(other);
    const expired = { TLS_CERT_FILE: join(other, 'expired.crt'), TLS_KEY_FILE: join(other, 'server.key') };
    expect(await start(expired)).toMatch(/^TLS_CERT_FILE: \S+expired.crt expired on [^\n]+$/);
    expect(await start({ ...files(), TLS_CLIENT_CA_FILE: expired.TLS_CERT_FILE })).toMatch(
      /^TLS_CLIENT_CA_FILE: \S+expired.crt expired on [^\n]+$/,
    );
    expect(await start({ ...files(), TLS_CLIENT_CA_FILE: join(other, 'empty.pem') })).toMatch(/^TLS_CLIENT_CA_FILE: /);
  });
});
