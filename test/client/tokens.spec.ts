import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client, TokenSource } from '../../src/client/connect.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, hears, join } from '../support/switchboard-client.js';
import { AUTH, soon, token } from '../support/tokens.js';

describe('a client with tokens', () => {
  let server: TestServer;
  let client: Client | undefined;
  beforeAll(async () => {
    server = await startServer(AUTH);
  });
  afterEach(() => client?.close());
  afterAll(() => server.stop());

  /** Counts how often the source was asked. */
  function source(give: (asked: number) => ReturnType<TokenSource>) {
    const counting = { asked: 0, token: () => give(++counting.asked) };
    return counting;
  }

  it('asks for one before each connection; a source that fails is asked again', async () => {
    const tokens = source((asked) => (asked === 1 ? Promise.reject(new Error('offline')) : token()));
    client = join(server.url, tokens);
    const away = becomes(client, 'waiting');
    expect(await away).toMatchObject({ code: 1006, reason: 'no_token' });
    await client.ready();
    expect(tokens.asked).toBe(2);
  });

  it('comes again with a new one when the old one has expired', async () => {
    const tokens = source((asked) => token({ expires: asked === 1 ? soon(3) : '1h' }));
    client = join(server.url, tokens);
    expect(await becomes(client, 'waiting')).toMatchObject({ code: 4102, reason: 'token_expired' });
    await client.ready();
    expect(tokens.asked).toBe(2);
  });

  it('shows a new one before the old one ends, and keeps its id', async () => {
    const tokens = source(async (asked) => ({ token: await token(), expiresAt: Date.now() + asked * 1000 }));
    client = join(server.url, tokens);
    const id = await client.ready();
    expect(await hears(client, 'sys.ack')).toMatchObject({ data: { status: 'accepted' } });
    expect(tokens.asked).toBe(2);
    expect(client.id).toBe(id);
  });
});
