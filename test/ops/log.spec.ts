import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Log } from '../../src/telemetry/log.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { ServerProcess } from '../support/process.js';
import { startServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const LOG = fileURLToPath(new URL('../../dist/telemetry/log.js', import.meta.url));

describe('the log', () => {
  let server: ServerProcess | undefined;
  afterEach(() => server?.kill());

  it('begins at info with one line, which has the addresses of clients and people', async () => {
    server = await ServerProcess.start({ HTTP_BASE: '/chat' });
    expect(server.lines).toHaveLength(1);
    const { message, url, console } = server.lines[0]!;
    expect({ message, url }).toEqual({ message: 'listening', url: server.url });
    expect(console).toBe(`${server.origin}/chat/`);
    expect(await ask(String(console))).toMatchObject({ status: 200 });
  });

  it.each([
    ['CONSOLE=off', { CONSOLE: 'off' }],
    ['NODE_ENV=production', { NODE_ENV: 'production' }],
  ])('begins without the address of the console with %s', async (_, variables) => {
    server = await ServerProcess.start(variables);
    expect(server.lines[0]).not.toHaveProperty('console');
  });

  it('shows at debug every setting but empty lists, and no secret', async () => {
    server = await ServerProcess.start({
      LOG_LEVEL: 'debug',
      HEARTBEAT_MS: '1234',
      ALLOWED_HOSTS: '127.0.0.1 localhost',
      ...AUTH,
    });
    const starting = await server.logged('starting');
    const shown = {
      HEARTBEAT_MS: 1234,
      ARRIVAL_NOTICES: 'on',
      ALLOWED_HOSTS: '127.0.0.1,localhost',
      AUTH_SECRET: 'set',
    };
    expect(starting).toMatchObject({ level: 'debug', ...shown });
    for (const empty of ['NATS_URL', 'ALLOWED_ORIGINS', 'API_KEYS']) expect(starting).not.toHaveProperty(empty);
  });

  it('warns of variables whose name is near to that of a setting', async () => {
    server = await ServerProcess.start({ MESAGES_PER_SECOND: '5', CHAT_DATABASE: 'here' });
    expect(server.lines[0]).toMatchObject({
      level: 'warn',
      message: 'MESAGES_PER_SECOND is not a setting: did you mean MESSAGES_PER_SECOND?',
    });
    expect(server.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it.each([
    ['{"type":"chat","reciever":"hidden"}', { code: 'invalid_message', type: 'chat', field: '"reciever"' }],
    ['{"type":"chat","receiver":7}', { code: 'invalid_message', type: 'chat', field: 'receiver' }],
    ['{"type":"a b"}', { code: 'invalid_message', type: 'a b', field: 'type' }],
    ['{"type":"demo.sum","data":{"numbers":["hidden"]}}', { type: 'demo.sum', field: 'data.numbers' }],
    ['{"type":"demo.sum","data":{"numbers":[1],"extra":"hidden"}}', { type: 'demo.sum', field: 'data.extra' }],
    ['{"type":"chat","receiver":"hidden"}', { code: 'receiver_not_found', type: 'chat', field: undefined }],
    ['{"type":"hidden', { code: 'malformed_json', type: undefined, field: undefined }],
  ])('writes for the refused message %s its type and field, and no content', async (text, expected) => {
    server = await ServerProcess.start();
    const ann = await connect(server.url);
    ann.sendText(text);
    const line = await server.logged('message refused');
    expect({ code: line['code'], type: line['type'], field: line['field'] }).toMatchObject(expected);
    expect(JSON.stringify(line)).not.toContain('hidden');
  });

  it.each(['on', 'off'])('writes the type of a message over the rate limit (FAST_LANE=%s)', async (fastLane) => {
    server = await ServerProcess.start({ MESSAGES_PER_SECOND: '1', FAST_LANE: fastLane });
    const ann = await connect(server.url);
    for (let count = 0; count < 20; count++) ann.send({ type: 'cursor', receiver: ann.id });
    expect(await server.logged('message refused')).toMatchObject({ code: 'rate_limited', type: 'cursor' });
  });

  it('writes an ordinary drain at info', async () => {
    server = await ServerProcess.start();
    await connect(server.url);
    server.signal('SIGTERM');
    await server.ended;
    const levels = server.lines.filter(({ message }) => message.startsWith('drain')).map(({ level }) => level);
    expect(levels).toEqual(['info', 'info']);
  });

  it('writes sessions that open and end at debug, and nothing of messages', async () => {
    server = await ServerProcess.start({ LOG_LEVEL: 'debug' });
    const ann = await connect(`${server.url}?token=hidden`);
    expect(await server.logged('connected')).toMatchObject({ level: 'debug', session: ann.id, address: '127.0.0.1' });
    ann.send({ type: 'chat', receiver: 'hidden', data: 'hidden' });
    await ann.next('sys.error');
    expect(await server.logged('message refused')).toMatchObject({ code: 'receiver_not_found', session: ann.id });
    await ann.close(1000);
    expect(await server.logged('departed')).toMatchObject({ level: 'debug', code: 1000, session: ann.id });
    expect(JSON.stringify(server.lines)).not.toContain('hidden');
  });

  it('writes refusals and closes at info with code and address', async () => {
    server = await ServerProcess.start();
    await ask(`${server.origin}/another-path?token=hidden`, { headers: HANDSHAKE });
    expect(await server.logged('handshake refused')).toMatchObject({
      level: 'info',
      code: 'not_found',
      address: '127.0.0.1',
    });
    const ann = await connect(server.url);
    ann.socket.send(Buffer.from([1]));
    expect(await server.logged('closed')).toMatchObject({ level: 'info', code: 1003, session: ann.id });
  });

  it('writes refused requests of the HTTP API without the key', async () => {
    server = await ServerProcess.start({ API_KEYS: 'a-key-of-some-length' });
    await ask(`${server.origin}/api/v1/stats`, { headers: { authorization: 'Bearer hidden' } });
    const line = { level: 'info', code: 'unauthorized', status: 401, method: 'GET', peer: '127.0.0.1' };
    expect(await server.logged('API request refused')).toMatchObject(line);
    expect(JSON.stringify(server.lines)).not.toContain('hidden');
  });

  it('writes the address of the client and its user, not the address of the proxy', async () => {
    server = await ServerProcess.start({ ...AUTH, LOG_LEVEL: 'debug', FRONT_PROXIES: '127.0.0.1' });
    const from = { 'X-Real-IP': '203.0.113.7' };
    const jwt = bearer(await token()).headers;
    await ask(`${server.origin}/wss`, { headers: { ...HANDSHAKE, ...from, authorization: 'Bearer hidden' } });
    expect(await server.logged('handshake refused')).toMatchObject({ code: 'unauthorized', address: '203.0.113.7' });
    const ann = await connect(server.url, { headers: { ...from, ...jwt } });
    const fields = { session: ann.id, address: '203.0.113.7', user: 'ann' };
    expect(await server.logged('connected')).toMatchObject(fields);
    ann.sendText('{');
    expect(await server.logged('message refused')).toMatchObject({ code: 'malformed_json', address: '203.0.113.7' });
    await ann.close(1000);
    expect(await server.logged('departed')).toMatchObject({ code: 1000, ...fields });
    const logText = JSON.stringify(server.lines);
    for (const secret of ['hidden', AUTH.AUTH_SECRET, jwt.authorization]) expect(logText).not.toContain(secret);
  });

  it('sums up a flood', async () => {
    server = await ServerProcess.start({ FAULTS_PER_MINUTE: '0', MESSAGES_PER_SECOND: '0' });
    const ann = await connect(server.url);
    for (let count = 0; count < 1224; count++) ann.send({ type: 'sys.no' });
    for (let count = 0; count < 1224; count++) await ann.next('sys.error');
    server.signal('SIGTERM');
    await server.ended;
    expect(server.lines.filter(({ message }) => message === 'message refused')).toHaveLength(20);
    const more = server.lines.find(({ message }) => message === 'and 1,204 more in 10 s');
    expect(more).toMatchObject({ of: 'message refused reserved_type' });
  });

  it('does not end the process where standard output is not writable', () => {
    const script = `
      const { Log } = await import(${JSON.stringify(LOG)});
      const log = new Log({ logLevel: 'info', logFormat: 'json' });
      log.info('one');
      setImmediate(() => { log.info('two'); setImmediate(() => process.exit(7)); });`;
    const words = ['-c', '"$0" --input-type=module --eval "$1" > /dev/full', process.execPath, script];
    expect(spawnSync('sh', words).status).toBe(7);
  });
});

describe('an incident', () => {
  @MessagingGateway()
  class Failing {
    @SubscribeMessage('fail')
    fail(): never {
      throw new Error('the secret reason');
    }
  }
  @Module({ providers: [Failing] })
  class Handlers {}

  it('is the same for the client and in the log, and only the log has the reason', async () => {
    const server = await startServer({ LOG_LEVEL: 'error', FAULTS_PER_MINUTE: '0' }, [Handlers as never]);
    const lines: unknown[][] = [];
    server.app.get(Log).error = (...words: unknown[]): void => void lines.push(words);
    const ann = await connect(server.url);
    ann.send({ type: 'fail', id: 'f' });
    const { data } = await ann.next('sys.error');
    await server.stop();
    expect(JSON.stringify(data)).not.toContain('secret');
    expect(lines).toEqual([
      [new Error('the secret reason'), { incident: data.incident, session: ann.id, type: 'fail' }],
    ]);
  });
});
