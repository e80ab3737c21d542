import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, HANDSHAKE } from '../support/ask.js';
import { IdentityProvider, signingKey, type KeyAnswer, type SigningKey } from '../support/identity-provider.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

/** Longer than the time from one successful request to the next. */
const REFRESH_MS = 601_000;
/** Longer than the longest time between two failed requests. */
const RETRY_MS = 61_000;
const DAY_MS = 86_400_000;
/** More than the buffers of both sockets hold. */
const ENDLESS_BYTES = 64 * 1024 * 1024;

const json = (response: ServerResponse, value: unknown): void => void response.end(JSON.stringify(value));
let writtenBytes = 0;

/** Writes as long as the other side reads. */
const endless: KeyAnswer = (response) => {
  const chunk = Buffer.alloc(65_536, ' ');
  const write = (): void => {
    while (!response.destroyed && writtenBytes < ENDLESS_BYTES) {
      writtenBytes += chunk.length;
      if (!response.write(chunk)) return;
    }
    response.end();
  };
  response.on('drain', write);
  write();
};

/** Ends the connection within the body. */
const cutBody: KeyAnswer = (response) => {
  response.writeHead(200, { 'Content-Length': 900 });
  response.write('{"keys":[', () => response.destroy());
};

/** The ways of an identity provider to be away. */
const AWAY: readonly (readonly [string, KeyAnswer])[] = [
  ['answers 500', (response) => response.writeHead(500).end('no')],
  ['answers 503 with an empty set', (response) => json(response.writeHead(503), { keys: [] })],
  ['cuts the connection', (response) => response.destroy()],
  ['answers with half a body', cutBody],
  [
    'answers with a page of maintenance',
    (response) => response.setHeader('Content-Type', 'text/html').end('<h1>…</h1>'),
  ],
  ['answers with nothing', (response) => response.end()],
  ['answers with an empty set', (response) => json(response, { keys: [] })],
  ['answers with null', (response) => json(response, null)],
  ['answers with a document without keys', (response) => json(response, { issuer: 'x', jwks_uri: 'y' })],
  ['answers with keys that are not a list', (response) => json(response, { keys: {} })],
  [
    'answers with broken keys',
    (response) => json(response, { keys: [null, {}, { kty: 'EC', crv: 'P-256', x: 'AA' }] }),
  ],
  ['answers with a redirection', (response) => response.writeHead(302, { Location: '/login' }).end()],
  ['answers without an end', endless],
];

const lines = keepLogLines();
let provider: IdentityProvider;
let server: TestServer;
let key: SigningKey;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  provider = await IdentityProvider.start();
  key = await signingKey('key');
});
afterEach(async () => {
  vi.useRealTimers();
  await server.stop();
  await provider.stop();
});

const start = async (variables: Record<string, string> = {}): Promise<void> =>
  void (server = await startServer({ AUTH: 'required', AUTH_JWKS: provider.url, LOG_LEVEL: 'info', ...variables }));

/** Attempts a handshake; returns `in`, or the status of the rejection. */
async function enter(jwt: string): Promise<string> {
  return server.connect(bearer(jwt)).then(
    async (client) => client.close(1000).then(() => 'in'),
    ({ message }: Error) => /\b\d{3}\b/.exec(message)?.[0] ?? message,
  );
}

const linesOf = (text: string): number => lines.filter((line) => line.includes(text)).length;
const read = (path: string) => ask(`http://127.0.0.1:${server.port}${path}`);
/** Turns of the event loop until a condition holds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}
async function metric(name: string): Promise<number> {
  const { body } = await read('/metrics');
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(`${name} `))!
      .split(' ')[1],
  );
}
const failedRequests = (): Promise<number> => metric('switchboard_token_key_requests_total{outcome="failed"}');
const loadedRequests = (): Promise<number> => metric('switchboard_token_key_requests_total{outcome="loaded"}');

describe('keys that were loaded', () => {
  it.each(AWAY)('stay in use while the identity provider %s', async (_, away) => {
    writtenBytes = 0;
    provider.publish(key.jwk);
    await start();
    const client = await server.connect(bearer(await key.sign()));
    provider.answerWith(away);
    for (const failures of [1, 2, 3]) {
      vi.advanceTimersByTime(failures === 1 ? REFRESH_MS : RETRY_MS);
      await provider.requests(1 + failures);
      await until(async () => (await failedRequests()) === failures);
      expect(await enter(await key.sign())).toBe('in');
    }
    client.send({ type: 'sys.auth', id: '1', data: { token: await key.sign() } });
    expect(await client.answer('1')).toMatchObject({ type: 'sys.ack' });
    expect((await read('/health/ready')).status).toBe(200);
    expect(await metric('switchboard_token_keys_age_seconds')).toBeGreaterThan(REFRESH_MS / 1000);
    expect(linesOf('cannot load JWKS, keeping the last keys')).toBe(1);
    expect(writtenBytes).toBeLessThan(ENDLESS_BYTES);

    provider.publish(key.jwk);
    vi.advanceTimersByTime(RETRY_MS);
    await until(async () => (await loadedRequests()) === 2);
    expect([linesOf('JWKS loaded again'), linesOf('cannot load JWKS')]).toEqual([1, 1]);
    expect(await metric('switchboard_token_keys_age_seconds')).toBeLessThan(REFRESH_MS / 1000);
    expect(await enter(await key.sign())).toBe('in');
    await client.close(1000);
  });

  it('make an unknown key 503 and not 401 while newer ones cannot be loaded, with few requests', async () => {
    provider.publish(key.jwk);
    await start();
    const [client, stranger] = [await server.connect(bearer(await key.sign())), await signingKey('stranger')];
    expect(await enter(await stranger.sign())).toBe('401');
    provider.answerWith((response) => response.destroy());
    vi.advanceTimersByTime(60_000);
    for (const kid of [undefined, null, 'another'])
      for (let count = 0; count < 5; count++) expect(await enter(await stranger.sign(kid))).toBe('503');
    expect(await enter(await stranger.sign('key'))).toBe('401'); // its key is known, and has not signed it
    expect(await enter(await key.sign())).toBe('in');
    expect(provider.asked).toBeLessThanOrEqual(4); // the start, one before the outage, two in it
    client.send({ type: 'sys.auth', id: '1', data: { token: await stranger.sign() } });
    expect((await client.answer('1')).data).toMatchObject({ code: 'unavailable' });
    for (const code of ['unauthorized', 'unavailable'])
      expect(lines.join('')).toMatch(
        new RegExp(`handshake refused +code=${code} reason="the key of the token is unknown`),
      );
    provider.publish(key.jwk, stranger.jwk);
    vi.advanceTimersByTime(RETRY_MS);
    await until(async () => (await loadedRequests()) > 2);
    expect(await enter(await stranger.sign())).toBe('in');
    await client.close(1000);
  });

  it('are refreshed in the background, so that an identity provider that hangs delays no known key', async () => {
    const young = await signingKey('young');
    provider.publish(key.jwk);
    await start();
    expect(await enter(await key.sign())).toBe('in');
    const hanging: ServerResponse[] = [];
    provider.answerWith((response) => hanging.push(response));
    vi.advanceTimersByTime(REFRESH_MS);
    await provider.requests(2);
    expect(await enter(await key.sign())).toBe('in');
    const waiting = enter(await young.sign());
    expect(await enter(await key.sign())).toBe('in');
    json(hanging[0]!, { keys: [young.jwk] });
    expect([await waiting, await enter(await young.sign()), provider.asked]).toEqual(['in', 'in', 2]);
    provider.publish(young.jwk);
    expect(await enter(await key.sign())).toBe('401');
  });

  it('stay in use during each refresh, however short AUTH_KEYS_MAX_AGE_MS is', async () => {
    provider.publish(key.jwk);
    await start({ AUTH_KEYS_MAX_AGE_MS: '1000' });
    expect(await enter(await key.sign())).toBe('in');
    const hanging: ServerResponse[] = [];
    provider.answerWith((response) => hanging.push(response));
    vi.advanceTimersByTime(REFRESH_MS);
    await provider.requests(2);
    expect((await read('/health/ready')).status).toBe(200);
    expect(await enter(await key.sign())).toBe('in');
    json(hanging[0]!, { keys: [key.jwk] });
  });

  it('are not used beyond AUTH_KEYS_MAX_AGE_MS, a day by default: 503, and the node is not ready', async () => {
    provider.publish(key.jwk);
    await start();
    expect(await enter(await key.sign())).toBe('in');
    provider.answerWith(AWAY[0]![1]);
    vi.advanceTimersByTime(DAY_MS - 1000);
    expect(await enter(await key.sign())).toBe('in');
    vi.advanceTimersByTime(RETRY_MS);
    expect(await enter(await key.sign())).toBe('503');
    expect((await read('/health/ready')).status).toBe(503);
    await until(() => linesOf('cannot load JWKS, tokens are answered unavailable') === 1);
    provider.publish(key.jwk);
    vi.advanceTimersByTime(RETRY_MS);
    await until(async () => (await read('/health/ready')).status === 200);
    expect(await enter(await key.sign())).toBe('in');
  });
});

describe('keys that were never loaded', () => {
  it.each(AWAY)('make tokens 503 and the node not ready while the identity provider %s', async (_, away) => {
    writtenBytes = 0;
    provider.answerWith(away);
    await start();
    await provider.requests(1);
    await until(() => linesOf('cannot load JWKS, tokens are answered unavailable') === 1);
    const ready = await read('/health/ready');
    expect([ready.status, JSON.parse(ready.body)]).toMatchObject([
      503,
      { error: { tokenKeys: { status: 'down', reason: 'cannot load AUTH_JWKS' } } },
    ]);
    expect((await read('/health/live')).status).toBe(200);

    provider.publish(key.jwk);
    vi.advanceTimersByTime(RETRY_MS);
    await until(async () => (await read('/health/ready')).status === 200); // before any client comes
    expect(await enter(await key.sign())).toBe('in');
    expect([linesOf('JWKS loaded again'), linesOf('cannot load JWKS')]).toEqual([1, 1]);
  });

  it('are requested by few of many tokens, and later and later by the node itself', async () => {
    await start();
    await until(async () => (await failedRequests()) === 1);
    for (let count = 0; count < 20; count++) {
      const headers = { ...HANDSHAKE, ...bearer(await key.sign()).headers };
      const answer = await ask(server.url.replace('ws:', 'http:'), { headers });
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([503, { error: { code: 'unavailable' } }]);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    }
    expect(provider.asked).toBe(3); // the start, and two for tokens
    const delays: number[] = [];
    for (let count = 3; count < 12; count++) {
      const before = performance.now();
      while (provider.asked === count) {
        vi.advanceTimersByTime(500);
        await new Promise(setImmediate);
        if (performance.now() - before > RETRY_MS) throw new Error('no further request');
      }
      await until(async () => (await failedRequests()) === count + 1);
      delays.push(performance.now() - before);
    }
    expect(delays.at(-1)).toBeGreaterThan(29_000);
  });

  it('let in tokens of AUTH_SECRET, whose renewal with a public key is unavailable and keeps the session', async () => {
    await start(AUTH);
    const client = await server.connect(bearer(await token()));
    client.send({ type: 'sys.auth', id: '1', data: { token: await key.sign() } });
    const { type, data } = await client.answer('1');
    expect([type, data.code]).toEqual(['sys.error', 'unavailable']);
    expect(data.retryAfterMs).toBeGreaterThanOrEqual(1);
    client.send({ type: 'sys.auth', id: '2', data: { token: await token() } });
    expect(await client.answer('2')).toMatchObject({ type: 'sys.ack' });
    expect(lines.find((line) => line.includes('token refused'))).toMatch(/code=unavailable reason=.*cannot be loaded/);
    await client.close(1000);
  });

  it('do not keep clients without a token out, where a token is optional', async () => {
    await start({ AUTH: 'optional' });
    await until(async () => (await failedRequests()) === 1);
    expect((await read('/health/ready')).status).toBe(200);
    await (await server.connect()).close(1000);
    expect(await enter(await key.sign())).toBe('503');
  });
});
