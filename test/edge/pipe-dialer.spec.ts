import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dialPipe, type PipeTls } from '../../src/gateway/returns/pipe-dialer.js';
import { makeCertificates } from '../support/certificates.js';
import { socketFolder } from '../support/unix-socket.js';

const REQUEST = Buffer.from('GET /wss HTTP/1.1\r\nHost: node\r\n\r\n');
const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';

describe('a connection to another node', () => {
  let server: Server;
  const accepted: Socket[] = [];

  afterEach(async () => {
    for (const socket of accepted.splice(0)) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  /** Listens and answers each request with a text. @returns the address */
  async function answering(answer: (socket: Socket, request: string) => void, path?: string): Promise<string> {
    server = createServer((socket) => serve(socket, answer));
    await once(path === undefined ? server.listen(0, '127.0.0.1') : server.listen(path), 'listening');
    return path === undefined ? `127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${path}`;
  }

  function serve(socket: Socket, answer: (socket: Socket, request: string) => void): void {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => answer(socket, bytes.toString()));
  }

  it('sends the request and returns all bytes behind it', async () => {
    let received = '';
    const address = await answering((socket, request) => {
      received = request;
      socket.write(`${ACCEPTED}\x81\x02hi`, 'latin1');
    });
    const { socket, response } = await dialPipe(address, undefined, REQUEST);
    expect([received, response.toString('latin1')]).toEqual([REQUEST.toString(), `${ACCEPTED}\x81\x02hi`]);
    expect([socket.isPaused(), socket.listenerCount('data')]).toEqual([true, 0]);
    socket.destroy();
  });

  it('waits for the end of the headers', async () => {
    const address = await answering((socket) => {
      socket.write(ACCEPTED.slice(0, -2));
      setImmediate(() => socket.write(ACCEPTED.slice(-2)));
    });
    const { socket, response } = await dialPipe(address, undefined, REQUEST);
    expect(response.toString()).toBe(ACCEPTED);
    socket.destroy();
  });

  it('leads through a Unix socket', async () => {
    const folder = socketFolder();
    const address = await answering((socket) => socket.write(ACCEPTED), join(folder.path, '0.sock'));
    (await dialPipe(address, undefined, REQUEST)).socket.destroy();
    folder.remove();
  });

  it.each([
    ['an answer that is not 101', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'answered HTTP/1.1 400 Bad Request'],
    [
      'headers that are too long',
      `HTTP/1.1 101 x\r\n${'x'.repeat(20_000)}`,
      'the headers of the response are too long',
    ],
  ])('fails for %s', async (_, answer, message) => {
    const address = await answering((socket) => socket.write(answer));
    await expect(dialPipe(address, undefined, REQUEST)).rejects.toThrow(message);
    if (!accepted[0]!.closed) await once(accepted[0]!, 'close');
  });

  it('fails where the node ends the connection without an answer', async () => {
    const address = await answering((socket) => socket.end());
    await expect(dialPipe(address, undefined, REQUEST)).rejects.toThrow('the connection was closed');
  });

  it('fails where nobody listens', async () => {
    const address = await answering(() => undefined);
    server.close();
    await once(server, 'close');
    await expect(dialPipe(address, undefined, REQUEST)).rejects.toThrow('ECONNREFUSED');
    await answering(() => undefined);
  });

  it('fails after two seconds where the node does not answer', async () => {
    const address = await answering(() => undefined);
    await expect(dialPipe(address, undefined, REQUEST)).rejects.toThrow('no answer in 2000 ms');
    expect(accepted).toHaveLength(1);
  });

  describe('with TLS', () => {
    let folder: string;
    let files: { readonly cert: Buffer; readonly key: Buffer };
    let fingerprint: string;
    let requests: string[];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'switchboard-dialer-'));
      await makeCertificates(folder);
      const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(folder, name))));
      files = { cert: cert!, key: key! };
      fingerprint = new X509Certificate(files.cert).fingerprint256;
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    /** Connects to a server with TLS, and waits until the server has closed the connection. */
    async function dial(tls: Partial<PipeTls>): Promise<void> {
      requests = [];
      server = createTlsServer(files, (socket) =>
        serve(socket, (to, request) => {
          requests.push(request);
          to.write(ACCEPTED);
        }),
      );
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const sawEnd = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'));
      try {
        (await dialPipe(address, { fingerprints: [], ...tls }, REQUEST)).socket.destroy();
      } finally {
        await sawEnd;
      }
    }

    it('accepts the certificate that the node has named', async () => {
      await dial({ fingerprints: ['other', fingerprint] });
      expect(requests).toEqual([REQUEST.toString()]);
    });

    it('sends nothing to a server with another certificate', async () => {
      await expect(dial({ fingerprints: ['other'] })).rejects.toThrow('the certificate is another one');
      expect(requests).toEqual([]);
    });

    it('verifies the certificate as usual where the node has named none', async () => {
      await expect(dial({})).rejects.toThrow('certificate');
    });
  });
});
