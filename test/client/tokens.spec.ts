import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Client, TokenSource } from '../../packages/client/src/connect.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, receives, join } from '../support/switchboard-client.js';
import { AUTH, soon, token } from '../support/tokens.js';

describe('a client with tokens', () => {
  let server: TestServer;
  let client: Client | undefined;
  beforeAll(async () => {
    server = await startServer(AUTH);
  });
  afterEach(() => client?.close());
  afterAll(() => server.stop());

  /** Counts the calls of a token source. */
  function source(tokenOf: (calls: number) => ReturnType<TokenSource>) {
    const counting = { calls: 0, token: () => tokenOf(++counting.calls) };
    return counting;
  }

  it('fetches a token before each connection, and again after a failure of the source', async () => {
    const tokens = source((calls) => (calls === 1 ? Promise.reject(new Error('offline')) : token()));
    client = join(server.url, tokens);
    const waiting = becomes(client, 'waiting');
    expect(await waiting).toMatchObject({ code: 1006, reason: 'no_token' });
    await client.ready();
    expect(tokens.calls).toBe(2);
  });

  it('gives up a token that does not arrive in time, and tries again at once on demand', async () => {
    const tokens = source((calls) => (calls === 1 ? new Promise<string>(() => undefined) : token()));
    client = join(server.url, { ...tokens, timeoutMs: 1000, minDelayMs: 60_000, maxDelayMs: 60_000 });
    expect(await becomes(client, 'waiting')).toMatchObject({ code: 1006, reason: 'no_token' });
    client.reconnect();
    await client.ready();
    expect(tokens.calls).toBe(2);
  });

  it('fetches again where a new token for an open connection does not arrive in time', async () => {
    const tokens = source(async (calls) => {
      if (calls === 2) await new Promise(() => undefined);
      return { token: await token(), expiresAt: Date.now() + 1000 };
    });
    client = join(server.url, { ...tokens, timeoutMs: 1000 });
    const id = await client.ready();
    expect(await receives(client, 'sys.ack')).toMatchObject({ data: { status: 'accepted' } });
    expect([tokens.calls, client.id]).toEqual([3, id]);
  });

  it('returns with a new token after the old one expired', async () => {
    const tokens = source((calls) => token({ expires: calls === 1 ? soon(3) : '1h' }));
    client = join(server.url, tokens);
    const id = await client.ready();
    expect(await becomes(client, 'waiting')).toMatchObject({ code: 4102, reason: 'token_expired', away: true });
    expect(await client.ready()).toBe(id);
    expect(tokens.calls).toBe(2);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['an expired token', () => token({ expires: soon(-60) })],
    ['a text that is not a token', () => 'not.a.token'],
    ['a text that no subprotocol may have', () => 'a page of a log-in, <html>'],
    ['an empty text', () => ''],
  ])('asks for a new token after %s', async (_, bad) => {
    const tokens = source((calls) => (calls === 1 ? bad() : token()));
    client = join(server.url, tokens);
    expect(await becomes(client, 'waiting')).toMatchObject({ code: 1006 });
    await client.ready();
    expect(tokens.calls).toBe(2);
  });

  it('never shows a token', async () => {
    client = join(server.url, { token: () => 'the secret' });
    expect(JSON.stringify(await becomes(client, 'waiting'))).not.toContain('secret');
  });

  it('reports a new token that the server refuses, and asks for another one', async () => {
    const tokens = source(async (calls) => ({
      token: await token({ sub: calls === 2 ? 'somebody else' : 'ann' }),
      expiresInMs: calls < 3 ? 1000 : 3_600_000,
    }));
    client = join(server.url, tokens);
    const id = await client.ready();
    const failed = new Promise((resolve) => client!.onError(resolve));
    expect(await failed).toMatchObject({ type: 'sys.auth', error: { code: 'forbidden', sent: true } });
    expect(await receives(client, 'sys.ack')).toMatchObject({ data: { status: 'accepted' } });
    expect([tokens.calls, client.id]).toEqual([3, id]);
  });

  it('reports an expiry that it cannot use', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    client = join(server.url, { token: async () => ({ token: await token(), expiresAt: soon(3600) }) });
    const failed = new Promise((resolve) => client!.onError(resolve));
    expect(await failed).toMatchObject({ type: 'sys.auth', error: { name: 'TypeError' } });
    await client.ready();
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });

  it('renews the token before it expires, and keeps its id', async () => {
    const tokens = source(async (calls) => ({ token: await token(), expiresAt: Date.now() + calls * 1000 }));
    client = join(server.url, tokens);
    const id = await client.ready();
    expect(await receives(client, 'sys.ack')).toMatchObject({ data: { status: 'accepted' } });
    expect(tokens.calls).toBe(2);
    expect(client.id).toBe(id);
  });

  it('returns with the rights of its latest token, although a renewal was not received', async () => {
    const rights = (calls: number) => ({ switchboard: { rooms: calls === 3 ? { garden: ['join', 'see'] } : {} } });
    const tokens = source(async (calls) => ({
      token: await token({ claims: rights(calls) }),
      expiresInMs: calls === 1 ? 1000 : 3_600_000,
    }));
    let losses = 0;
    class LossySocket extends WebSocket {
      override send(text: string): void {
        if (text.includes('"sys.auth"') && ++losses === 1) this.terminate();
        else super.send(text);
      }
    }
    client = join(server.url, { ...tokens, WebSocket: LossySocket });
    const id = await client.ready();
    await becomes(client, 'waiting');
    expect(await receives(client, 'sys.ack')).toMatchObject({ data: { status: 'accepted' } });
    expect(await client.join('garden')).toMatchObject({ sessions: [id] });
    expect(tokens.calls).toBe(3);
  });
});
