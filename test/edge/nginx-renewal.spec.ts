import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.js';
import { connect } from '../support/client.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import type { Script } from '../support/script.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let nginx: Nginx;
let renewed: string;
let ca: string;

beforeEach(async () => {
  renewed = await mkdtemp(join(tmpdir(), 'switchboard-renewed-'));
  await makeCertificates(renewed);
  server = await startServer();
});
afterEach(async () => {
  await nginx?.stop();
  await server?.stop();
  await rm(renewed, { recursive: true });
});

/** Starts nginx and its watcher; clients trust both certificates. */
async function start(variables: Record<string, string>): Promise<Script> {
  nginx = await startNginx({ appPort: server.port, variables: { ...variables, TLS_RELOAD_SECONDS: '0.05' } });
  ca = (await readFile(nginx.caFile, 'utf8')) + (await readFile(join(renewed, 'ca.crt'), 'utf8'));
  const watcher = nginx.watch('38-watch-certificates.sh');
  await watcher.printed('watching the certificate files every 0.05 s');
  return watcher;
}

/** Returns the serial number of the certificate on a new connection. */
async function serial(): Promise<string> {
  const socket = connectTls({ port: nginx.httpsPort, host: '127.0.0.1', servername: 'localhost', ca });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

it('nginx reloads a renewed certificate without closing connections, and keeps the old one while the pair does not match', async () => {
  const watcher = await start({ TLS_CERT_DIR: 'own' });
  const first = await connect(nginx.url, { ca });
  const before = await serial();

  await copyFile(join(renewed, 'fullchain.pem'), join(nginx.folder, 'fullchain.pem'));
  await watcher.printed('cannot reload the certificate, keeping the one in use');
  expect(await serial()).toBe(before);

  await copyFile(join(renewed, 'privkey.pem'), join(nginx.folder, 'privkey.pem'));
  let shown = before;
  while (shown === before) shown = await serial();

  const second = await connect(nginx.url, { ca });
  first.send({ type: 'offer', receiver: second.id, id: '1' });
  expect(await second.next('offer')).toMatchObject({ sender: first.id });
  expect(await first.next('sys.ack')).toMatchObject({ ref: '1', data: { status: 'routed' } });
  expect(first.inbox.filter(({ type }) => type === 'sys.departed')).toEqual([]);
  await Promise.all([first.close(1000), second.close(1000)]);
});

it('nginx starts before certbot has a certificate, and reloads it once it exists', async () => {
  const mounted = await mkdtemp(join(tmpdir(), 'switchboard-certbot-'));
  await start({ TLS_CERT_DIR: 'certbot', ACME_HOSTS: 'chat.example.com', MOUNTED_TLS: mounted });
  const before = await serial();
  for (const name of ['fullchain.pem', 'privkey.pem']) await copyFile(join(renewed, name), join(mounted, name));
  let shown = before;
  while (shown === before) shown = await serial();
  await rm(mounted, { recursive: true });
});
