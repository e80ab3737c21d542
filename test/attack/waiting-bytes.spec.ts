import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { once } from 'node:events';
import { request as requestHttp, type ClientRequest, type ServerResponse } from 'node:http';
import { Subject, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Client } from '../support/client.js';
import { IdentityProvider, signingKey } from '../support/identity-provider.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

/** As long as a message may be by default, with room for the envelope. */
const LARGE = 'x'.repeat(65_000);
const QUEUE_BYTES = 1_048_576;
const API_KEY = 'a key of sixteen characters'.replaceAll(' ', '-');

/** Handlers that do not return before {@link open}. */
@MessagingGateway()
class HangingGateway {
  readonly stream = new Subject<number>();
  open!: () => void;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));

  @SubscribeMessage('hang')
  async hang(@MessageBody() body: unknown): Promise<number> {
    await this.#opened;
    return JSON.stringify(body).length;
  }

  @SubscribeMessage('stream')
  values(): Observable<number> {
    return this.stream;
  }
}

@Module({ providers: [HangingGateway] })
class HangingModule {}

describe('the bytes that wait inside the server', () => {
  let server: TestServer;
  let provider: IdentityProvider | undefined;

  const start = async (variables: Record<string, string> = {}): Promise<TestServer> =>
    (server = await startServer(variables, [HangingModule]));
  const waiting = (): number => server.app.get(SessionRegistry).slowConsumers.totalBytes;
  const gateway = (): HangingGateway => server.app.get(HangingGateway, { strict: false });
  const send = (client: Client, type: string, id: string, data: string = LARGE): void =>
    client.send({ type, id, data });

  afterEach(async () => {
    await server.stop();
    await provider?.stop();
    provider = undefined;
  });

  it('are limited for the handlers of a session, counted while they wait, and subtracted afterwards', async () => {
    await start();
    const client = await server.connect();
    for (let count = 0; count < 40; count++) send(client, 'hang', `${count}`);
    await client.settled();
    const refused = client.inbox.splice(0);
    expect(refused.map(({ data }) => data.code)).toEqual(Array.from({ length: 24 }, () => 'rate_limited'));
    expect(refused[0]).toMatchObject({ ref: '16', data: { retryAfterMs: expect.any(Number) as number } });
    expect(waiting()).toBeGreaterThan(16 * LARGE.length);
    expect(waiting()).toBeLessThanOrEqual(QUEUE_BYTES);
    gateway().open();
    for (let count = 0; count < 16; count++) await client.answer(`${count}`).then(() => client.answer(`${count}`));
    expect(waiting()).toBe(0);
    send(client, 'hang', 'again');
    expect(await client.answer('again')).toMatchObject({ type: 'hang' });
  });

  it('count twice for characters that take two bytes in memory', async () => {
    await start();
    const client = await server.connect();
    for (let count = 0; count < 20; count++) send(client, 'hang', `${count}`, `€${'x'.repeat(60_000)}`);
    await client.settled();
    expect(client.inbox).toHaveLength(12);
    expect(waiting()).toBeLessThanOrEqual(QUEUE_BYTES);
  });

  it('are counted on the slow path, too', async () => {
    await start({ FAST_LANE: 'off' });
    const client = await server.connect();
    for (let count = 0; count < 20; count++) send(client, 'hang', `${count}`);
    await client.settled();
    expect(client.inbox).toHaveLength(4);
    expect(waiting()).toBeLessThanOrEqual(QUEUE_BYTES);
  });

  it('may exceed the limit by one message, so that a single long message is accepted', async () => {
    await start({ HANDLER_QUEUE_BYTES: '1024' });
    const client = await server.connect();
    send(client, 'hang', 'long');
    send(client, 'hang', 'short', 'x');
    expect(await client.answer('short')).toMatchObject({ data: { code: 'rate_limited' } });
    gateway().open();
    expect(await client.answer('long')).toMatchObject({ type: 'hang' });
  });

  it('count for an observable until it completes', async () => {
    await start();
    const client = await server.connect();
    send(client, 'stream', 's');
    await client.settled();
    expect(waiting()).toBeGreaterThan(LARGE.length);
    gateway().stream.complete();
    expect(await client.answer('s')).toMatchObject({ type: 'sys.ack' });
    expect(waiting()).toBe(0);
  });

  it('are subtracted when the session closes', async () => {
    await start();
    const [client, other] = [await server.connect(), await server.connect()];
    for (const type of ['stream', 'hang', 'hang']) send(client, type, type);
    await client.settled();
    expect(waiting()).toBeGreaterThan(3 * LARGE.length);
    client.terminate();
    await other.next('sys.departed');
    expect(waiting()).toBe(0);
  });

  it('close only the session with the most of them with 1013 over the memory budget', async () => {
    await start({ MEMORY_BUDGET_BYTES: '2097152' });
    const calm = await server.connect();
    send(calm, 'hang', 'calm', 'x');
    const greedy = await Promise.all([1, 2, 3].map(() => server.connect()));
    for (const client of greedy) for (let count = 0; count < 15; count++) send(client, 'hang', `${count}`);
    const { code } = await Promise.race(greedy.map(({ closed }) => closed));
    expect(code).toBe(1013);
    for (const client of greedy) if (client.socket.readyState === 1) await client.settled();
    expect(greedy.filter(({ socket }) => socket.readyState === 1)).toHaveLength(2);
    expect(server.app.get(SessionRegistry).slowConsumers.mostBytes).toBeLessThan(2_097_152 + 2 * LARGE.length);
    gateway().open();
    expect(await calm.answer('calm')).toMatchObject({ type: 'hang' });
  });

  it('include the token of one sys.auth at a time while the keys cannot be loaded; a second one gets rate_limited', async () => {
    const hanging: ServerResponse[] = [];
    const key = await signingKey('known');
    provider = await IdentityProvider.start();
    provider.publish(key.jwk);
    await start({ ...AUTH, AUTH_JWKS: provider.url });
    await provider.requests(1);
    provider.answerWith((response) => hanging.push(response));
    const client = await server.connect(bearer(await token()));
    const renewed = await key.sign('unknown', { x: LARGE.slice(20_000) });
    for (let count = 0; count < 50; count++)
      client.send({ type: 'sys.auth', id: `${count}`, data: { token: renewed } });
    await provider.requests(2);
    await client.settled();
    expect(client.inbox.map(({ ref }) => ref)).toEqual(Array.from({ length: 49 }, (_, index) => `${index + 1}`));
    expect(new Set(client.inbox.map(({ data }) => data.code as string))).toEqual(new Set(['rate_limited']));
    expect(waiting()).toBe(renewed.length);
    hanging[0]!.destroy();
    expect(await client.answer('0')).toMatchObject({ data: { code: 'unavailable' } });
    expect(waiting()).toBe(0);
  });

  it('include the bodies of HTTP API requests, which are answered 429 over the memory budget', async () => {
    await start({ API_KEYS: API_KEY, MEMORY_BUDGET_BYTES: '150000' });
    const post = (): ClientRequest =>
      requestHttp({
        port: server.port,
        path: '/api/v1/messages',
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${API_KEY}`, 'Content-Length': 65_000 },
      }).on('error', () => undefined);
    const open = [post(), post()];
    for (const each of open) each.write('x'.repeat(64_000));
    while (waiting() < 128_000) await new Promise(setImmediate);
    const third = post();
    const answer = once(third, 'response') as Promise<[{ statusCode: number; headers: Record<string, string> }]>;
    third.write('x'.repeat(64_000));
    const [{ statusCode, headers }] = await answer;
    expect([statusCode, headers['retry-after']]).toEqual([429, '1']);
    for (const each of [...open, third]) each.destroy();
    while (waiting() > 0) await new Promise(setImmediate);
  });
});
