import { exportJWK, generateKeyPair, generateSecret } from 'jose';
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdentityProvider, signingKey, type SigningKey } from '../support/identity-provider.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';
import { bearer } from '../support/tokens.js';

let server: TestServer;

/** Attempts a handshake; returns `in`, or the status of the rejection. */
async function enter(jwt: string): Promise<string> {
  return server.connect(bearer(jwt)).then(
    async (client) => client.close(1000).then(() => 'in'),
    ({ message }: Error) => /\b\d{3}\b/.exec(message)?.[0] ?? message,
  );
}

describe('the keys at a URL', () => {
  let provider: IdentityProvider;
  beforeEach(async () => void (provider = await IdentityProvider.start()));
  afterEach(async () => {
    await server.stop();
    await provider.stop();
  });

  const start = async (...keys: readonly object[]): Promise<void> => {
    provider.publish(...keys);
    server = await startServer({ AUTH: 'required', AUTH_JWKS: provider.url });
  };

  it('are requested at the start, and once for many tokens', async () => {
    const key = await signingKey('key');
    await start(key.jwk);
    await provider.requests(1);
    for (let count = 0; count < 5; count++) expect(await enter(await key.sign())).toBe('in');
    expect(provider.asked).toBe(1);
  });

  it('are requested again at once for a token with a new key, but not for each unknown key', async () => {
    const [old, young, stranger] = [await signingKey('old'), await signingKey('young'), await signingKey('stranger')];
    await start(old.jwk);
    expect(await enter(await old.sign())).toBe('in');
    provider.publish(young.jwk);
    expect([await enter(await young.sign()), await enter(await old.sign())]).toEqual(['in', '401']);
    for (let count = 0; count < 20; count++) expect(await enter(await stranger.sign())).toBe('401');
    expect(await enter(await young.sign())).toBe('in');
    expect(provider.asked).toBe(3); // the start, and two for tokens
  });

  it.each([
    ['the same "kid"', 'key'],
    ['no "kid"', null],
  ])('are requested again for a token that the listed key has not signed, with %s', async (_, kid) => {
    const [old, young] = [await signingKey('key'), await signingKey('key')];
    await start(old.jwk);
    expect(await enter(await old.sign(kid))).toBe('in');
    provider.publish(young.jwk);
    expect([await enter(await young.sign(kid)), await enter(await old.sign(kid))]).toEqual(['in', '401']);
  });
});

describe('the keys in a file', () => {
  const lines = keepLogLines();
  let folder: string;
  let file: string;
  let old: SigningKey;
  let young: SigningKey;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchboard-keys-'));
    file = join(folder, 'jwks.json');
    [old, young] = [await signingKey('old'), await signingKey('young')];
    await writeFile(file, JSON.stringify({ keys: [old.jwk] }));
    server = await startServer({ AUTH: 'required', AUTH_JWKS: file, LOG_LEVEL: 'info' });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const linesOf = (text: string): number => lines.filter((line) => line.includes(text)).length;

  it.each([
    ['missing', () => rename(file, `${file}.away`)],
    ['empty', () => writeFile(file, '')],
    ['half written', () => writeFile(file, '{"keys":[')],
    ['without keys', () => writeFile(file, '{"keys":[]}')],
  ])('stay in use while the file is %s, and an unknown key is answered 503, not 401', async (_, breakFile) => {
    await breakFile();
    for (let count = 0; count < 3; count++) expect(await enter(await old.sign())).toBe('in');
    expect(await enter(await young.sign())).toBe('503');
    expect(linesOf('cannot load JWKS, keeping the last keys')).toBe(1);
    await writeFile(file, JSON.stringify({ keys: [young.jwk] }));
    await utimes(file, new Date(), new Date(Date.now() + 1000));
    expect([await enter(await young.sign()), await enter(await old.sign())]).toEqual(['in', '401']);
    expect(linesOf('JWKS loaded again')).toBe(1);
  });

  it('are refused a second after they were removed, also where no key is new', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await writeFile(file, JSON.stringify({ keys: [old.jwk, young.jwk] }));
    expect([await enter(await old.sign()), await enter(await young.sign())]).toEqual(['in', 'in']);
    await writeFile(file, JSON.stringify({ keys: [young.jwk] }));
    await utimes(file, new Date(), new Date(Date.now() + 1000));
    vi.advanceTimersByTime(999);
    expect(await enter(await old.sign())).toBe('in');
    vi.advanceTimersByTime(1);
    expect([await enter(await old.sign()), await enter(await young.sign())]).toEqual(['401', 'in']);
  });
});

describe('a set of keys', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'switchboard-keys-'))));
  afterEach(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const start = async (...keys: readonly unknown[]): Promise<void> => {
    const file = join(folder, 'jwks.json');
    await writeFile(file, JSON.stringify({ keys }));
    server = await startServer({ AUTH: 'required', AUTH_JWKS: file });
  };

  it('may have several keys that fit a token: of the same "kid", of no "kid", of several algorithms', async () => {
    const keys = [await signingKey('same'), await signingKey('same'), await signingKey('rsa', 'RS256')];
    const [nameless, edwards] = [await signingKey('nameless'), await signingKey('edwards', 'EdDSA')];
    await start(...[...keys, edwards].map(({ jwk }) => ({ ...jwk, alg: undefined })), {
      ...nameless.jwk,
      kid: undefined,
    });
    for (const key of [...keys, nameless, edwards])
      expect([await enter(await key.sign()), await enter(await key.sign(null))]).toEqual(['in', 'in']);
    expect(await enter(await nameless.sign('any'))).toBe('in');
    expect(await enter(await edwards.sign('rsa'))).toBe('401');
    expect(await enter(await (await signingKey('same')).sign())).toBe('401');
    expect(await enter(await (await signingKey('same')).sign(null))).toBe('401');
  });

  it('may contain keys that no token can use, and private keys', async () => {
    const good = await signingKey('good');
    const encryption = await generateKeyPair('RSA-OAEP', { extractable: true });
    const whole = await generateKeyPair('RS256', { extractable: true });
    const privateJwk = await exportJWK(whole.privateKey);
    await start(
      null,
      'key',
      {},
      { kty: 'quantum', kid: 'good' },
      { ...good.jwk, kid: 'good', x: 'AAAA' },
      { kty: 'RSA', kid: 'short', n: Buffer.alloc(128, 0xc1).toString('base64url'), e: 'AQAB', alg: 'RS256' },
      { ...(await exportJWK(await generateSecret('HS256', { extractable: true }))), kid: 'good', alg: 'HS256' },
      { ...(await exportJWK(encryption.publicKey)), kid: 'good', use: 'enc', alg: 'RSA-OAEP' },
      { ...privateJwk, kid: 'whole', alg: 'RS256', use: 'sig' },
      { ...good.jwk, key_ops: ['verify'] },
    );
    expect(await enter(await good.sign())).toBe('in');
  });

  it('may begin with a byte order mark', async () => {
    const key = await signingKey('key');
    const file = join(folder, 'jwks.json');
    await writeFile(file, `\uFEFF${JSON.stringify({ keys: [key.jwk] })}`);
    server = await startServer({ AUTH: 'required', AUTH_JWKS: file });
    expect(await enter(await key.sign())).toBe('in');
  });

  it.each([
    ['for encryption', { use: 'enc' }],
    ['for other operations', { key_ops: ['deriveKey'] }],
    ['of another algorithm', { alg: 'ES512' }],
  ])('gives no key %s to a token', async (_, members) => {
    const [other, bad] = [await signingKey('other'), await signingKey('bad')];
    await start(other.jwk, { ...bad.jwk, ...members });
    expect([await enter(await bad.sign()), await enter(await other.sign())]).toEqual(['401', 'in']);
  });
});
