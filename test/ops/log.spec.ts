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

  it('begins with every setting', async () => {
    server = await ServerProcess.start({ HEARTBEAT_MS: '1234' });
    expect(server.lines[0]).toMatchObject({ message: 'starting', HEARTBEAT_MS: 1234, ARRIVAL_NOTICES: 'on' });
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
    server = await ServerProcess.start({ ...AUTH, LOG_LEVEL: 'debug', TRUSTED_PROXIES: '127.0.0.1' });
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
