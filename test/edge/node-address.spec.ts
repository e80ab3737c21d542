import type { HttpAdapterHost } from '@nestjs/core';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { isIPv4, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { NodeAddress } from '../../src/gateway/returns/node-address.js';
import { readSettings } from '../../src/settings/environment.js';
import { makeCertificates } from '../support/certificates.js';
import { socketFolder } from '../support/unix-socket.js';

describe('the address of a node', () => {
  let server: Server | TlsServer;

  afterEach(async () => {
    server.close();
    await once(server, 'close');
  });

  /** Listens, and returns the address that other nodes get. */
  async function listening(
    where: string | [host: string],
    variables: Record<string, string> = {},
  ): Promise<NodeAddress> {
    server ??= createServer();
    await once(typeof where === 'string' ? server.listen(where) : server.listen(0, ...where), 'listening');
    const adapterHost = { httpAdapter: { getHttpServer: () => server } } as unknown as HttpAdapterHost;
    return new NodeAddress(readSettings(variables, {}), adapterHost);
  }

  const port = (): number => (server.address() as AddressInfo).port;

  it('is where the server listens', async () => {
    server = createServer();
    expect((await listening(['127.0.0.1'])).all).toEqual([`127.0.0.1:${port()}`]);
  });

  it('has brackets for IPv6', async () => {
    server = createServer();
    expect((await listening(['::1'])).all).toEqual([`[::1]:${port()}`]);
  });

  it.each(['0.0.0.0', '::'])('is one of this machine where the server listens on %s', async (host) => {
    server = createServer();
    const [address] = (await listening([host])).all;
    const machine = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
    const external = machine.filter(({ internal, family }) => !internal && family === 'IPv4');
    const hosts = external.length > 0 ? external.map((each) => each.address) : ['127.0.0.1'];
    const [first = ''] = address!.split(':');
    expect([isIPv4(first), hosts]).toEqual([true, expect.arrayContaining([first])]);
    expect(address).toBe(`${first}:${port()}`);
  });

  it('is the Unix socket of LISTEN first', async () => {
    server = createServer();
    const address = await listening(['127.0.0.1']);
    address.unixPath = '/run/switchboard/0.sock';
    expect(address.all).toEqual(['unix:/run/switchboard/0.sock', `127.0.0.1:${port()}`]);
  });

  it('is the Unix socket on which an application listens', async () => {
    const folder = socketFolder();
    server = createServer();
    const path = join(folder.path, 'app.sock');
    expect((await listening(path)).all).toEqual([`unix:${path}`]);
    folder.remove();
  });

  it('is NODE_ADDRESS alone where it is set', async () => {
    server = createServer();
    const address = await listening(['127.0.0.1'], { NODE_ADDRESS: 'node-1.internal:3000' });
    address.unixPath = '/run/switchboard/0.sock';
    expect([address.all, address.fingerprints]).toEqual([['node-1.internal:3000'], undefined]);
  });

  it('has the fingerprint of the certificate that is served now', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-address-'));
    const newPair = async (): Promise<{ readonly cert: Buffer; readonly key: Buffer }> => {
      await makeCertificates(folder, '--force');
      return { cert: readFileSync(join(folder, 'server.crt')), key: readFileSync(join(folder, 'server.key')) };
    };
    const [first, second] = [await newPair(), await newPair()];
    const tls = createTlsServer(first);
    server = tls;
    const address = await listening(['127.0.0.1']);
    expect(address.fingerprints).toEqual([new X509Certificate(first.cert).fingerprint256]);
    tls.setSecureContext(second);
    expect(address.fingerprints).toEqual([new X509Certificate(second.cert).fingerprint256]);
    expect(address.fingerprints).not.toEqual([new X509Certificate(first.cert).fingerprint256]);
    rmSync(folder, { recursive: true });
  });
});
