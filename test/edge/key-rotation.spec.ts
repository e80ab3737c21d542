import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { bearer, token } from '../support/tokens.js';

/** Longer than the cache time of keys. */
const LATER_MS = 31_000;
/** Longer than a failed request is not repeated. */
const FAILURE_PAUSE_MS = 6000;
/** Longer than keys are used without asking for them again. */
const STALE_MS = 660_000;
const DAY_MS = 86_400_000;
/** More than the buffers of both sockets hold. */
const ENDLESS_BYTES = 64 * 1024 * 1024;

interface Pair {
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
}

async function pair(kid: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' }, privateKey };
}

describe('a key set by URL', () => {
  let provider: Server;
  let server: TestServer;
  let published: JWK[] | 'endless' | 'hanging' | undefined;
  let writtenBytes = 0;
  let fetches = 0;
  let hanging: ServerResponse[] = [];

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    fetches = 0;
    hanging = [];
    provider = createServer((_, response) => {
      fetches++;
      if (published === undefined) response.writeHead(500).end();
      else if (published === 'endless') writeEndlessly(response);
      else if (published === 'hanging') provider.emit('asked', hanging.push(response));
      else response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: published }));
    }).listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const { port } = provider.address() as AddressInfo;
    server = await startServer({ AUTH: 'required', AUTH_JWKS: `http://127.0.0.1:${port}/keys` });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await server.stop();
    provider.closeAllConnections();
    provider.close();
  });

  /** Writes as long as the other side reads. */
  function writeEndlessly(response: ServerResponse): void {
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
  }

  async function handshake({ jwk, privateKey }: Pair): Promise<string> {
    const jwt = await token({ key: privateKey, header: { alg: 'ES256', kid: jwk.kid! } });
    return connect(server.url, bearer(jwt)).then(
      async (client) => client.close(1000).then(() => 'in'),
      ({ message }: Error) => (message.includes('401') ? 'out' : message.includes('503') ? 'unavailable' : message),
    );
  }

  it('is fetched once, again when a token names a new key, but not for every unknown key', async () => {
    const [old, young] = [await pair('old'), await pair('young')];
    published = [old.jwk];
    expect([await handshake(old), await handshake(old), fetches]).toEqual(['in', 'in', 1]);
    published = [young.jwk];
    expect([await handshake(young), await handshake(young), await handshake(old), fetches]).toEqual([
      'out',
      'out',
      'in',
      1,
    ]);
    vi.advanceTimersByTime(LATER_MS);
    expect([await handshake(young), fetches]).toEqual(['in', 2]);
    expect([await handshake(old), await handshake(old), fetches]).toEqual(['out', 'out', 2]);
  });

  it('makes all tokens unavailable, not unauthorized, while it cannot be fetched, and accepts them as soon as it can', async () => {
    const key = await pair('key');
    published = undefined;
    expect(await handshake(key)).toBe('unavailable');
    published = [key.jwk];
    expect(await handshake(key)).toBe('in');
  });

  it('are requested twice at the most while they cannot be loaded, and again after a pause', async () => {
    const key = await pair('key');
    published = undefined;
    for (let count = 0; count < 20; count++) expect(await handshake(key)).toBe('unavailable');
    expect(fetches).toBe(2);
    vi.advanceTimersByTime(FAILURE_PAUSE_MS);
    published = [key.jwk];
    expect([await handshake(key), fetches]).toEqual(['in', 3]);
  });

  it('are requested rarely for tokens that name unknown keys, while they cannot be loaded', async () => {
    const [known, unknown] = [await pair('known'), await pair('unknown')];
    published = [known.jwk];
    expect(await handshake(known)).toBe('in');
    published = undefined;
    vi.advanceTimersByTime(LATER_MS);
    for (let count = 0; count < 10; count++) expect(await handshake(unknown)).toBe('out');
    expect([await handshake(known), fetches]).toEqual(['in', 3]);
  });

  it('stay in use for a day while they cannot be loaded', async () => {
    const key = await pair('key');
    published = [key.jwk];
    expect(await handshake(key)).toBe('in');
    published = undefined;
    vi.advanceTimersByTime(STALE_MS);
    for (let count = 0; count < 10; count++) expect(await handshake(key)).toBe('in');
    expect(fetches).toBe(3);
    vi.advanceTimersByTime(DAY_MS);
    expect(await handshake(key)).toBe('unavailable');
    vi.advanceTimersByTime(FAILURE_PAUSE_MS);
    published = [key.jwk];
    expect(await handshake(key)).toBe('in');
  });

  it('are requested in the background while the old ones are usable, but a token with a new key waits', async () => {
    const [old, young] = [await pair('old'), await pair('young')];
    published = [old.jwk];
    expect(await handshake(old)).toBe('in');
    vi.advanceTimersByTime(STALE_MS);
    published = 'hanging';
    const asked = once(provider, 'asked');
    for (let count = 0; count < 5; count++) expect(await handshake(old)).toBe('in');
    await asked;
    const waiting = handshake(young);
    expect(await handshake(old)).toBe('in');
    expect([hanging.length, hanging[0]!.writableEnded, hanging[0]!.destroyed]).toEqual([1, false, false]);
    hanging[0]!.end(JSON.stringify({ keys: [young.jwk] }));
    expect([await waiting, await handshake(young), await handshake(old), fetches]).toEqual(['in', 'in', 'out', 2]);
  });

  it('are rejected where the answer is too long', async () => {
    writtenBytes = 0;
    const key = await pair('key');
    published = 'endless';
    expect(await handshake(key)).toBe('unavailable');
    expect(writtenBytes).toBeLessThan(ENDLESS_BYTES);
  });
});
