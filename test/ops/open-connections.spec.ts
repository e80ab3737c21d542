import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as tcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as tls } from 'node:tls';
import { Controller, Get, Module, Sse } from '@nestjs/common';
import { NEVER, type Observable } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { makeCertificates } from '../support/certificates.js';
import { IdentityProvider, signingKey } from '../support/identity-provider.js';
import { request, UPGRADE_HEADERS } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

let order: string[] = [];
let asked: () => void = () => undefined;

@Controller()
class Answers {
  @Get('never')
  never(): Promise<void> {
    asked();
    return new Promise(() => undefined);
  }

  @Get('soon')
  async soon(): Promise<string> {
    asked();
    await soon;
    order.push('answered');
    return 'soon';
  }

  @Get('long')
  long(): string {
    asked();
    return 'x'.repeat(64 * 2 ** 20);
  }

  onModuleDestroy(): void {
    order.push('onModuleDestroy');
  }

  @Sse('events')
  events(): Observable<never> {
    asked();
    return NEVER;
  }
}
@Module({ controllers: [Answers] })
class Controllers {}

/** Resolves when `GET /soon` may answer. */
let soon: Promise<void> = Promise.resolve();

const HOST = ['Host: localhost'];
const upgrade = (...headers: string[]): string => request('GET /wss HTTP/1.1', [...UPGRADE_HEADERS, ...headers]);
const isUpgraded = (server: TestServer): boolean => server.app.get(SessionRegistry).size > 0;

/** Connections of clients that stay open, whatever the server does. */
const HELD: readonly {
  name: string;
  bytes: string;
  until: 'connected' | 'asked' | 'answered';
  before?: typeof kick;
}[] = [
  { name: 'a TCP connection that sends nothing', bytes: '', until: 'connected' },
  { name: 'half a handshake', bytes: 'GET /wss HTTP/1.1\r\nHost: x\r\n', until: 'connected' },
  { name: 'half a body', bytes: request('POST /never HTTP/1.1', [...HOST, 'Content-Length: 9']), until: 'connected' },
  {
    name: 'an idle connection that was answered',
    bytes: request('GET /health/live HTTP/1.1', HOST),
    until: 'answered',
  },
  { name: 'a request that is never answered', bytes: request('GET /never HTTP/1.1', HOST), until: 'asked' },
  { name: 'a stream of events', bytes: request('GET /events HTTP/1.1', HOST), until: 'asked' },
  { name: 'an answer that nobody reads', bytes: request('GET /long HTTP/1.1', HOST), until: 'asked' },
  { name: 'a refused handshake', bytes: upgrade('Origin: https://x.test'), until: 'answered' },
  { name: 'a session that answers no close frame', bytes: upgrade(), until: 'answered' },
  { name: 'a session that was closed and does not hang up', bytes: upgrade(), until: 'answered', before: kick },
  { name: 'a session that does not read', bytes: upgrade(), until: 'answered', before: overfill },
];

function kick(server: TestServer): void {
  for (const { id } of server.app.get(SessionRegistry).all()) server.app.get(Switchboard).close(id);
}

function overfill(server: TestServer): void {
  for (const { id } of server.app.get(SessionRegistry).all())
    for (let count = 0; count < 400; count++)
      server.app.get(Switchboard).send('server', id, 'much', 'x'.repeat(60_000));
}

/** Settings under which nothing but the close ends a connection. */
const NO_TIMEOUTS = {
  HANDSHAKE_TIMEOUT_MS: '0',
  RESPONSE_TIMEOUT_MS: '0',
  HEARTBEAT_MS: '60000',
  DRAIN_TIMEOUT_MS: '2000',
  OUTBOX_HIGH_WATER_BYTES: String(32 * 2 ** 20),
};

describe.each(['TCP', 'TLS'] as const)('app.close() over %s ends', (transport) => {
  let folder: string;
  let server: TestServer;
  let socket: Socket | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-close-'));
    if (transport === 'TLS') await makeCertificates(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(async () => {
    socket?.destroy();
    await server.stop();
  });

  const files = (): Record<string, string> =>
    transport === 'TLS'
      ? { TLS_CERT_FILE: join(folder, 'fullchain.pem'), TLS_KEY_FILE: join(folder, 'privkey.pem') }
      : {};

  async function dial(port: number): Promise<Socket> {
    const options = { port, host: '127.0.0.1', allowHalfOpen: true, rejectUnauthorized: false };
    socket = transport === 'TLS' ? tls(options) : tcp(options);
    socket.on('error', () => undefined);
    await once(socket, transport === 'TLS' ? 'secureConnect' : 'connect');
    return socket;
  }

  it.each(HELD)('while there is $name', async ({ bytes, until, before }) => {
    server = await startServer({ ...NO_TIMEOUTS, ...files() }, [Controllers]);
    const held = await dial(server.port);
    const reached = new Promise<void>((resolve) => (asked = resolve));
    held.write(bytes);
    if (until === 'asked') await reached;
    if (until === 'answered') await once(held, 'readable');
    before?.(server);
    await server.app.close();
    expect(isUpgraded(server)).toBe(false);
  });

  it('while the key of a token is awaited, and answers 503', async () => {
    const provider = await IdentityProvider.start();
    const key = await signingKey('known');
    provider.publish(key.jwk);
    server = await startServer({ ...NO_TIMEOUTS, ...files(), AUTH: 'required', AUTH_JWKS: provider.url });
    await provider.requests(1);
    provider.answerWith(() => undefined);
    const held = await dial(server.port);
    const answer = text(held);
    held.write(upgrade(`Authorization: Bearer ${await key.sign('unknown')}`));
    await provider.requests(2);
    await server.app.close();
    expect(await answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*draining/);
    await provider.stop();
  });

  it('after a request under way is answered, which finds every provider alive', async () => {
    let open!: () => void;
    soon = new Promise((resolve) => (open = resolve));
    order = [];
    server = await startServer({ ...NO_TIMEOUTS, ...files(), DRAIN_TIMEOUT_MS: '60000' }, [Controllers]);
    const held = await dial(server.port);
    const reached = new Promise<void>((resolve) => (asked = resolve));
    const answer = text(held);
    held.write(request('GET /soon HTTP/1.1', HOST));
    await reached;
    const closed = server.app.close();
    await turn();
    expect(order).toEqual([]);
    open();
    await closed;
    expect(order).toEqual(['answered', 'onModuleDestroy']);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*soon/);
  });
});

it('app.close() ends while there is half a TLS handshake', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-close-'));
  await makeCertificates(folder);
  const server = await startServer({
    ...NO_TIMEOUTS,
    TLS_CERT_FILE: join(folder, 'fullchain.pem'),
    TLS_KEY_FILE: join(folder, 'privkey.pem'),
  });
  const socket = tcp({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined).write(Buffer.from([22, 3, 1]));
  await server.app.close();
  socket.destroy();
  await rm(folder, { recursive: true });
});
