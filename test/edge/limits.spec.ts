import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { AddressRateLimiter } from '../../src/limits/address-rate-limiter.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function refusal(headers: Record<string, string> = {}) {
  const answer = await ask(server!.url.replace('ws:', 'http:'), { headers: { ...HANDSHAKE, ...headers } });
  const { error } = JSON.parse(answer.body) as { error: { code: string } };
  return { status: answer.status, code: error.code, retryAfter: Number(answer.headers['retry-after']) > 0 };
}

const TOO_MANY = { status: 429, code: 'too_many_connections', retryAfter: true };

describe('connections', () => {
  it('are rejected with 503 over MAX_CONNECTIONS, and accepted again after one closes', async () => {
    server = await startServer({ MAX_CONNECTIONS: '2' });
    const [ann, bob] = [await connect(server.url), await connect(server.url)];
    expect(await refusal()).toEqual({ status: 503, code: 'full', retryAfter: true });
    await bob.close(1000);
    await ann.next('sys.departed');
    await (await connect(server.url)).close(1000);
    await ann.close(1000);
  });

  it('are rejected with 429 over the limit of an address, without effect on other addresses', async () => {
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: '1', FRONT_PROXIES: '127.0.0.1' });
    const ann = await connect(server.url, { headers: { 'x-real-ip': '2001:db8::1' } });
    expect(await refusal({ 'x-real-ip': '2001:db8::2' })).toEqual(TOO_MANY);
    const bob = await connect(server.url, { headers: { 'x-real-ip': '2001:db8:1::1' } });
    await ann.close(1000);
    await bob.next('sys.departed');
    await (await connect(server.url, { headers: { 'x-real-ip': '2001:db8::1' } })).close(1000);
    await bob.close(1000);
  });

  it('are rejected above 90 % of the descriptor limit unless MAX_CONNECTIONS is set', async () => {
    const child = await ServerProcess.start(
      { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' },
      { before: 'ulimit -n 700;' },
    );
    const enter = (): Promise<Client> => connect(child.url);
    for (let count = 0; count < 630; count += 63) await Promise.all(Array.from({ length: 63 }, enter));
    const { status, body } = await ask(child.url.replace('ws:', 'http:'), { headers: HANDSHAKE });
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 503, error: { code: 'full' } });
    await child.kill();
  });

  it('release their slot when the handshake is rejected for another reason', async () => {
    server = await startServer({ MAX_CONNECTIONS_PER_ADDRESS: '1' });
    expect((await refusal({ origin: 'https://evil.test' })).status).toBe(403);
    await (await connect(server.url)).close(1000);
  });

  it('are limited per address with a burst of four seconds, rejected handshakes included', async () => {
    server = await startServer({ HANDSHAKES_PER_SECOND: '1' });
    const start = performance.now();
    let forbidden = 0;
    while ((await refusal({ origin: 'https://evil.test' })).status === 403) forbidden++;
    expect(forbidden).toBeGreaterThanOrEqual(4);
    expect(forbidden).toBeLessThanOrEqual(4 + (performance.now() - start) / 1000);
    expect(await refusal()).toEqual(TOO_MANY);
  });

  it('are counted for a bounded number of addresses, which are dropped when idle', () => {
    const rate = new AddressRateLimiter(1, 3);
    for (const address of ['a', 'b', 'c', 'd', 'e']) rate.take(address, 0);
    expect(rate.size).toBe(3);
    rate.take('f', 10_000);
    rate.take('g', 10_000);
    expect(rate.size).toBe(2);
  });
});

/** Sends this many messages and returns the code of each answer. */
async function answers(client: Client, count: number, data: unknown = null): Promise<string[]> {
  for (let index = 0; index < count; index++) client.send({ type: 'x', receiver: client.id, id: `${index}`, data });
  const codes: string[] = [];
  while (codes.length < count) {
    const { type, data: body } = await client.next();
    if (type === 'sys.ack') codes.push('ok');
    if (type === 'sys.error') codes.push(body.retryAfterMs > 0 ? (body.code as string) : 'no retryAfterMs');
  }
  return codes;
}

describe.each(['on', 'off'])('messages of one session, fast lane %s', (FAST_LANE) => {
  it('are each answered rate_limited over the rate, and pass again after retryAfterMs', async () => {
    server = await startServer({ FAST_LANE, MESSAGES_PER_SECOND: '2' });
    const client = await connect(server.url);
    const start = performance.now();
    const codes = await answers(client, 30);
    expect(codes.slice(0, 10)).toEqual(Array<string>(10).fill('ok'));
    const passed = codes.filter((code) => code === 'ok').length;
    expect(passed).toBeLessThanOrEqual(10 + ((performance.now() - start) / 1000) * 2);
    expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(30 - passed);
    client.send({ type: 'x', receiver: client.id, id: 'now' });
    const { data } = await client.answer('now');
    await setTimeout(((data.retryAfterMs as number | undefined) ?? 0) + 1); // timers of Node may run 1 ms early
    client.send({ type: 'x', receiver: client.id, id: 'then' });
    expect((await client.answer('then')).data).toEqual({ status: 'routed' });
    await client.close(1000);
  });

  it('are answered rate_limited over BYTES_PER_SECOND', async () => {
    // Two of these messages fill the largest burst; the third has to wait for half a minute.
    server = await startServer({ FAST_LANE, BYTES_PER_SECOND: '1000', MAX_MESSAGE_BYTES: '65536' });
    const client = await connect(server.url);
    expect(await answers(client, 4, 'x'.repeat(32_000))).toEqual(['ok', 'ok', 'rate_limited', 'rate_limited']);
    await client.close(1000);
  });

  it('close the session with 1008 over REFUSALS_PER_MINUTE', async () => {
    server = await startServer({ FAST_LANE, MESSAGES_PER_SECOND: '1', REFUSALS_PER_MINUTE: '3' });
    const client = await connect(server.url);
    for (let count = 0; count < 20; count++) client.send({ type: 'x', receiver: client.id });
    expect(await client.closed).toEqual({ code: 1008, reason: 'policy' });
    expect(client.inbox.filter(({ type }) => type === 'sys.error')).toHaveLength(4);
  });

  it('close the session with 1008 over FAULTS_PER_MINUTE, after an answer to each', async () => {
    server = await startServer({ FAST_LANE, FAULTS_PER_MINUTE: '3' });
    const client = await connect(server.url);
    for (const text of ['{', '{"type":1}', '{"type":"sys.x"}', '{"type":"none"}', '{']) client.sendText(text);
    expect(await client.closed).toEqual({ code: 1008, reason: 'policy' });
    expect(client.inbox.filter(({ type }) => type === 'sys.error').map(({ data }) => data.code as string)).toEqual([
      'malformed_json',
      'invalid_message',
      'reserved_type',
      'unknown_type',
    ]);
  });

  it('close the session with 1008 when handlers reject too many of them as invalid', async () => {
    server = await startServer({ FAST_LANE, FAULTS_PER_MINUTE: '3' });
    const client = await connect(server.url);
    for (let count = 0; count < 10; count++)
      client.send({ type: 'demo.sum', id: `${count}`, data: { numbers: 'none' } });
    expect(await client.closed).toEqual({ code: 1008, reason: 'policy' });
    const codes = client.inbox.filter(({ type }) => type === 'sys.error').map(({ data }) => data.code as string);
    expect(codes).toEqual(Array<string>(4).fill('invalid_message'));
  });

  it('are not limited when every limit is 0', async () => {
    server = await startServer({ FAST_LANE });
    const client = await connect(server.url);
    expect(new Set(await answers(client, 3000))).toEqual(new Set(['ok']));
    await client.close(1000);
  });
});

describe('pings of one session', () => {
  it('close the session with 1008 when they exceed the rate', async () => {
    server = await startServer({ MESSAGES_PER_SECOND: '1', REFUSALS_PER_MINUTE: '10' });
    const client = await connect(server.url);
    for (let count = 0; count < 100; count++) client.socket.ping();
    expect(await client.closed).toEqual({ code: 1008, reason: 'policy' });
  });
});
