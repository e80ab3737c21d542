import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { SCRIPTS_FOLDER, startNginx, type Nginx } from '../support/nginx.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let nginx: Nginx;
let renewed: string;
let watcher: ChildProcess | undefined;
let ca: string;

beforeEach(async () => {
  renewed = await mkdtemp(join(tmpdir(), 'switchboard-renewed-'));
  await makeCertificates(renewed);
  server = await startServer();
});
afterEach(async () => {
  watcher?.kill();
  await nginx?.stop();
  await server?.stop();
  await rm(renewed, { recursive: true });
});

/** Starts nginx and its watcher, both certificates being trusted. */
async function start(variables: Record<string, string>): Promise<ChildProcess> {
  nginx = await startNginx({ appPort: server.port, variables: { ...variables, TLS_RELOAD_SECONDS: '0.05' } });
  ca = (await readFile(nginx.caFile, 'utf8')) + (await readFile(join(renewed, 'ca.crt'), 'utf8'));
  const child = spawn('sh', [join(SCRIPTS_FOLDER, '38-watch-certificates.sh'), 'watch'], {
    env: nginx.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  watcher = child;
  await says(child.stdout, 'is taken up within 0.05 s');
  return child;
}

/** Waits until the watcher has said this. */
async function says(stream: NodeJS.ReadableStream, word: string): Promise<void> {
  for await (const line of createInterface({ input: stream })) if (line.includes(word)) return;
  throw new Error(`the watcher ended without "${word}"`);
}

/** The serial number of the certificate that a new connection is shown. */
async function serial(): Promise<string> {
  const socket = connectTls({ port: nginx.httpsPort, host: '127.0.0.1', servername: 'localhost', ca });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

it('nginx takes up a renewed certificate, connections going on, and keeps the old one while the pair does not match', async () => {
  const { stderr } = await start({ TLS_CERT_DIR: 'own' });
  const old = await connect(nginx.url, { ca });
  const before = await serial();

  const refused = says(stderr!, 'the certificate in use stays');
  await copyFile(join(renewed, 'fullchain.pem'), join(nginx.folder, 'fullchain.pem'));
  await refused;
  expect(await serial()).toBe(before);

  await copyFile(join(renewed, 'privkey.pem'), join(nginx.folder, 'privkey.pem'));
  let shown = before;
  while (shown === before) shown = await serial();

  const young = await connect(nginx.url, { ca });
  old.send({ type: 'offer', receiver: young.id, id: '1' });
  expect(await young.next('offer')).toMatchObject({ sender: old.id });
  expect(await old.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
  expect(old.inbox.filter(({ type }) => type === 'sys.departed')).toEqual([]);
  await Promise.all([old.close(1000), young.close(1000)]);
});

it('nginx starts without the certificate that certbot is yet to bring, and takes it up when it is there', async () => {
  const mounted = await mkdtemp(join(tmpdir(), 'switchboard-certbot-'));
  await start({ TLS_CERT_DIR: 'certbot', ACME_HOSTS: 'chat.example.com', MOUNTED_TLS: mounted });
  const before = await serial();
  for (const name of ['fullchain.pem', 'privkey.pem']) await copyFile(join(renewed, name), join(mounted, name));
  let shown = before;
  while (shown === before) shown = await serial();
  await rm(mounted, { recursive: true });
});
