import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestServer, TestClient, type TestServer } from '../../src/testing/start.js';
import { Dice, DiceModule, UserGuard } from './dice.gateway.js';

describe('a test server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ imports: [DiceModule] });
  });
  afterAll(() => server.stop());

  it('listens on a free port of 127.0.0.1', async () => {
    expect(server.url).toBe(`ws://127.0.0.1:${server.port}/wss`);
    expect((await fetch(`${server.httpUrl}/health/live`)).status).toBe(200);
  });

  it('resolves a request to the data of the answer', async () => {
    const ann = await server.connect();
    const { rolled } = await ann.request<{ rolled: number }>('dice.roll', { sides: 6 });
    expect(rolled).toBeLessThanOrEqual(6);
  });

  it('resolves a request of several answers to their data', async () => {
    const ann = await server.connect();
    expect(await ann.requestAll('dice.count')).toEqual([3, 2, 1]);
    await expect(ann.request('dice.count')).rejects.toThrow('dice.count was answered 3 times; use requestAll()');
  });

  it('resolves a request that is only acknowledged to undefined', async () => {
    const [ann, bob] = [await server.connect(), await server.connect()];
    expect(await ann.request('chat', 'hello', { receiver: bob.id })).toBeUndefined();
    expect(await bob.next('chat')).toMatchObject({ sender: ann.id, data: 'hello' });
  });

  it('resolves a request to the server', async () => {
    const ann = await server.connect();
    expect(await ann.request('sys.who')).toMatchObject({ sessions: expect.arrayContaining([ann.id]) as unknown });
  });

  it('rejects a request with the code and the data of its error', async () => {
    const ann = await server.connect();
    await expect(ann.request('dice.throw')).rejects.toMatchObject({
      name: 'RequestError',
      code: 'lost',
      message: 'dice.throw was answered lost: The die is under the table.',
      data: { code: 'lost', message: 'The die is under the table.' },
    });
  });

  it('connects a user with claims', async () => {
    const ann = await server.connect({ user: 'ann', claims: { role: 'clerk' } });
    expect(await ann.request('dice.user')).toEqual({ user: 'ann' });
    await expect((await server.connect()).request('dice.user')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('sends headers, an origin and subprotocols', async () => {
    const options = { headers: { 'X-Test': '1' }, origin: server.httpUrl, protocols: ['switchboard.v1'] };
    expect((await server.connect(options)).welcome.data).toMatchObject({ protocol: 1 });
  });

  it('rejects a connection with the status and the code of the server', async () => {
    await expect(server.connect({ token: 'wrong' })).rejects.toMatchObject({ name: 'HandshakeError', status: 401 });
    await expect(server.connect({ origin: 'https://example.com' })).rejects.toMatchObject({
      status: 403,
      code: 'origin_not_allowed',
    });
  });

  it('keeps the log and prints nothing', async () => {
    const printed = vi.spyOn(process.stdout, 'write');
    const ann = await server.connect();
    await expect(ann.request('dice.throw')).rejects.toThrow('lost');
    expect(server.log).toContainEqual({ level: 'warn', message: 'a die is lost', fields: { from: 'Dice' } });
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it('prints the log where a test asks for it', async () => {
    const printed = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    const loud = await startTestServer({ imports: [DiceModule], log: 'printed' });
    await loud.stop();
    expect(printed.mock.calls.join('')).toContain('listening');
    expect(loud.log.map(({ message }) => message)).toContain('listening');
    printed.mockRestore();
  });
});

describe('a test server with options', () => {
  it('replaces providers and guards', async () => {
    const server = await startTestServer({
      imports: [DiceModule],
      override: (builder) =>
        builder
          .overrideProvider(Dice)
          .useValue({ roll: () => 4 })
          .overrideGuard(UserGuard)
          .useValue({ canActivate: () => true }),
    });
    const [ann, bob] = [await server.connect(), await server.connect()];
    expect(await ann.request('dice.roll', { sides: 6 })).toEqual({ rolled: 4 });
    expect(await bob.next('dice.rolled')).toMatchObject({ sender: ann.id, data: { rolled: 4 } });
    expect(await ann.request('dice.user')).toEqual({});
    await server.stop();
  });

  it('has the settings of the test, and those of variables', async () => {
    const server = await startTestServer({
      imports: [DiceModule],
      settings: { messagesPerSecond: 1, allowedOrigins: ['https://a.example', 'https://b.example'], showUsers: true },
      variables: { WS_PATH: '/chat' },
    });
    expect(server.url).toMatch(/\/chat$/);
    const ann = await server.connect({ origin: 'https://b.example' });
    const requests = Array.from({ length: 6 }, () => ann.requestAll('dice.count'));
    const results = await Promise.allSettled(requests);
    expect(results.at(0)).toMatchObject({ status: 'fulfilled' });
    expect(results.at(-1)).toMatchObject({ reason: { code: 'rate_limited' } });
    await server.stop();
  });

  it('does not read the environment', async () => {
    vi.stubEnv('WS_PATH', '/environment');
    const server = await startTestServer({ imports: [] });
    vi.unstubAllEnvs();
    expect(server.url).toMatch(/\/wss$/);
    await server.stop();
  });

  it('rejects a name that is not a setting, and a wrong value', async () => {
    const settings = { messagePerSecond: 1 } as object;
    await expect(startTestServer({ imports: [], settings })).rejects.toThrow('messagePerSecond is not a setting');
    await expect(startTestServer({ imports: [], settings: { heartbeatMs: -1 } })).rejects.toThrow('HEARTBEAT_MS');
  });

  it('signs no token where the server checks none', async () => {
    const server = await startTestServer({ imports: [], settings: { auth: 'off' } });
    await expect(server.connect({ user: 'ann' })).rejects.toThrow("set auth to 'optional' or 'required'");
    await server.stop();
  });

  it('runs beside another one, and stops once', async () => {
    await using one = await startTestServer({ imports: [DiceModule] });
    const two = await startTestServer({ imports: [DiceModule] });
    const [ann, bob] = [await one.connect(), await two.connect()];
    expect(one.port).not.toBe(two.port);
    await Promise.all([two.stop(), two.stop()]);
    expect(await bob.untilClosed()).toEqual({ code: 1012, reason: 'service_restart' });
    expect(ann).toBeInstanceOf(TestClient);
    await ann.settled();
  });
});
