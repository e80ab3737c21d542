import { Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Emits } from '../../src/messaging/emits.js';
import { StartError } from '../../src/settings/start-error.js';
import { connect, type Client } from '../support/client.js';
import { EMITTED, EmittingModule } from '../support/emitting.gateway.js';
import { startServer, type TestServer } from '../support/server.js';

const KEY = 'a-key-for-reserved-types';

describe.each(['on', 'off'])('types that only server code sends (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let alice: Client;
  let bob: Client;
  const names = [...EMITTED, 'poll.opened', 'poll.', 'admin.stop'];

  beforeAll(async () => {
    const variables = { FAST_LANE, ARRIVAL_NOTICES: 'off', API_KEYS: KEY, RESERVED_TYPES: 'poll.*, admin.stop' };
    server = await startServer(variables, [EmittingModule]);
    [alice, bob] = [await connect(server.url), await connect(server.url)];
  });
  afterAll(() => server.stop());

  it.each(names)('are reserved_type from a client, to a session, to all and to nobody: %s', async (type) => {
    for (const receiver of [bob.id, '*', alice.id, 'nobody', undefined])
      alice.send({ type, receiver, id: 'r', data: { question: 'forged' } });
    alice.sendText(`{"type":"\\u00${type.charCodeAt(0).toString(16)}${type.slice(1)}","receiver":"*","id":"r"}`);
    alice.send({ type, receiver: '*', data: 'ä' });
    await alice.settled();
    await bob.settled();
    const error = {
      type: 'sys.error',
      data: { code: 'reserved_type', message: "The type is the server's, or one that only its handlers may send." },
    };
    expect(alice.inbox.splice(0)).toMatchObject([...Array.from({ length: 6 }, () => ({ ...error, ref: 'r' })), error]);
    expect(bob.inbox).toEqual([]);
  });

  it.each(['e.clas', 'e.class2', 'E.class', 'poll', 'poll-', 'xpoll.', 'admin.stop2', 'admin.sto'])(
    'do not include a similar one: %s',
    async (type) => {
      alice.send({ type, receiver: bob.id, id: 's' });
      expect(await alice.answer('s')).toMatchObject({ data: { status: 'routed' } });
      expect((await bob.next(type)).sender).toBe(alice.id);
    },
  );

  it('are sent by handlers, in the name of a session and of the server', async () => {
    alice.send({ type: 'e.send', id: 'h' });
    for (const type of EMITTED) {
      expect(await bob.next(type)).toMatchObject({ sender: alice.id, data: 'of a session' });
      expect(await bob.next(type)).toMatchObject({ sender: 'server', data: 'of the server' });
      expect((await alice.next(type)).sender).toBe('server');
    }
    expect(await alice.answer('h')).toMatchObject({ data: { status: 'accepted' } });
    alice.send({ type: 'e.ask' });
    expect(await alice.next('e.event')).toMatchObject({ sender: 'server', data: 1 });
  });

  it('are sent by the HTTP API', async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ type: 'poll.opened', receiver: bob.id }),
    });
    expect(response.status).toBe(200);
    expect((await bob.next('poll.opened')).sender).toBe('server');
  });

  it('go to the handler that claims them', async () => {
    alice.send({ type: 'e.claimed', receiver: '*', id: 'c' });
    expect(await alice.next('e.claimed')).toMatchObject({ ref: 'c', data: 'handled' });
    expect(await alice.answer('c')).toMatchObject({ type: 'sys.ack' });
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });
});

it.each(['on', 'off'])(
  'a session is closed with 1008 for too many reserved types (FAST_LANE=%s)',
  async (FAST_LANE) => {
    const server = await startServer({ FAST_LANE, FAULTS_PER_MINUTE: '2' }, [EmittingModule]);
    const alice = await connect(server.url);
    for (let count = 0; count < 3; count++) alice.send({ type: 'e.class', receiver: '*' });
    expect((await alice.closed).code).toBe(1008);
    await server.stop();
  },
);

describe('a start with @Emits', () => {
  it.each(['sys.opened', 'poll.*', '', 'a b', 'x'.repeat(65)])('is refused for %j', async (type) => {
    @MessagingGateway()
    class PollGateway {
      @Emits('good', type)
      open(): void {}
    }
    @Module({ providers: [PollGateway] })
    class PollModule {}
    const started = startServer({}, [PollModule]);
    await expect(started).rejects.toThrow(StartError);
    await expect(started).rejects.toThrow(`PollGateway.open: @Emits(${JSON.stringify(type)})`);
  });
});
