import { Injectable, Module, Scope, type DynamicModule, type Provider } from '@nestjs/common';
import { SubscribeMessage, WsException } from '@nestjs/websockets';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import { AccessPolicy } from '../../src/messaging/access-policy.js';
import { Emits } from '../../src/messaging/emits.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { MessageError } from '../../src/protocol/index.js';
import type { Session } from '../../src/sessions/session.js';
import { StartError } from '../../src/settings/start-error.js';
import { connect, type Client } from '../support/client.js';
import { keepLogLines } from '../support/log-lines.js';
import { startServer, type TestServer } from '../support/server.js';

/** The rules of the policy; the type of a message chooses what the policy does. */
@Injectable()
class Rules {
  readonly asked: [session: string, receiver: string, type: string][] = [];
}

@Injectable()
class TestPolicy extends AccessPolicy {
  constructor(private readonly rules: Rules) {
    super();
  }

  override maySend(session: Session, receiver: string, type: string): boolean {
    this.rules.asked.push([session.id, receiver, type]);
    if (type === 'p.throws') throw new Error('a secret of the policy');
    if (type === 'p.refuses') throw new WsException('not today');
    if (type === 'p.code') throw new MessageError('members_only', 'Join first.');
    if (type === 'p.promise') return Promise.resolve(true) as unknown as boolean;
    if (type === 'p.rejects') return Promise.reject(new Error('later')) as unknown as boolean;
    if (type === 'p.nothing') return undefined as unknown as boolean;
    if (type === 'p.word') return 'yes' as unknown as boolean;
    if (type === 'p.closes') session.close(4000);
    return type !== 'p.no';
  }
}

@MessagingGateway()
class PolicyGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @Emits('p.emitted')
  @SubscribeMessage('p.handled')
  handled(@Sender() sender: Session): string {
    this.switchboard.broadcast(sender, 'p.no', 'from a handler');
    return 'handled';
  }
}

@Module({ providers: [Rules, { provide: AccessPolicy, useClass: TestPolicy }, PolicyGateway] })
class PolicyModule {}

describe.each(['on', 'off'])('the policy of an application (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let rules: Rules;
  let alice: Client;
  let bob: Client;
  const lines = keepLogLines();

  beforeAll(async () => {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off', LOG_FORMAT: 'json' }, [PolicyModule]);
    rules = server.app.get(Rules, { strict: false });
    [alice, bob] = [await connect(server.url), await connect(server.url)];
  });
  afterAll(() => server.stop());
  beforeEach(() => void rules.asked.splice(0));

  const errorOf = async (type: string, receiver = bob.id): Promise<{ code: string; incident?: string }> => {
    alice.send({ type, receiver, id: type });
    const { type: answer, data } = await alice.answer(type);
    expect(answer).toBe('sys.error');
    await bob.settled();
    expect(bob.inbox).toEqual([]);
    return data as { code: string; incident?: string };
  };

  it('allows a message, which arrives as it was sent', async () => {
    const text = `{"type":"chat","receiver":"${bob.id}","data":{"b":1.0,"a":"grüße","big":12345678901234567890},"id":"1"}`;
    alice.sendText(text);
    expect(await alice.answer('1')).toMatchObject({ data: { status: 'routed' } });
    await bob.next('chat');
    expect(bob.frames.at(-1)).toBe(`{"sender":"${alice.id}",${text.slice(1)}`);
    alice.send({ type: 'news', receiver: '*', id: '2' });
    expect(await alice.answer('2')).toMatchObject({ data: { status: 'accepted' } });
    await bob.next('news');
    expect(rules.asked).toEqual([
      [alice.id, bob.id, 'chat'],
      [alice.id, '*', 'news'],
    ]);
  });

  it.each(['<bob>', '*', 'nobody'])('refuses a message to %s with forbidden, and is asked once', async (receiver) => {
    const to = receiver === '<bob>' ? bob.id : receiver;
    expect(await errorOf('p.no', to)).toEqual({ code: 'forbidden', message: 'This session may not do this.' });
    expect(rules.asked).toEqual([[alice.id, to, 'p.no']]);
  });

  it('is asked once for a message to an unknown session', async () => {
    expect((await errorOf('chat', 'nobody')).code).toBe('receiver_not_found');
    expect(rules.asked).toHaveLength(1);
  });

  it.each(['p.throws', 'p.promise', 'p.rejects', 'p.nothing', 'p.word'])(
    'that fails answers internal_error, and sends nothing: %s',
    async (type) => {
      const { code, incident } = await errorOf(type);
      expect(code).toBe('internal_error');
      expect(alice.frames.at(-1)).not.toContain('secret');
      const logged = lines.find((line) => line.includes(incident!));
      expect(logged).toContain(type === 'p.throws' ? 'a secret of the policy' : 'TestPolicy.maySend returned');
      expect(rules.asked).toHaveLength(1);
    },
  );

  it('refuses with the text or the code that it throws', async () => {
    expect(await errorOf('p.refuses')).toEqual({ code: 'refused', message: 'not today' });
    expect(await errorOf('p.code')).toEqual({ code: 'members_only', message: 'Join first.' });
  });

  it('is not asked for handled messages, system requests, faults and messages of server code', async () => {
    alice.send({ type: 'p.handled', receiver: bob.id, id: 'h' });
    expect(await alice.answer('h')).toMatchObject({ type: 'p.handled' });
    expect(await bob.next('p.no')).toMatchObject({ sender: alice.id, data: 'from a handler' });
    alice.send({ type: 'sys.who', id: 'w' });
    expect((await alice.answer('w')).type).toBe('sys.sessions');
    alice.send({ type: 'chat', id: 'u' });
    expect((await alice.answer('u')).data.code).toBe('unknown_type');
    expect((await errorOf('p.emitted')).code).toBe('reserved_type');
    expect(rules.asked).toEqual([]);
  });

  it('may close the session, whose message is then not sent', async () => {
    const carol = await connect(server.url);
    carol.send({ type: 'p.closes', receiver: bob.id });
    carol.send({ type: 'p.later', receiver: bob.id });
    expect((await carol.closed).code).toBe(4000);
    await bob.next('sys.departed');
    await bob.settled();
    expect(bob.inbox).toEqual([]);
    expect(rules.asked).toEqual([[carol.id, bob.id, 'p.closes']]);
  });
});

describe.each(['on', 'off'])('DIRECT_MESSAGES=off (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let rules: Rules;
  let alice: Client;
  let bob: Client;
  const KEY = 'a-key-for-direct-messages';

  beforeAll(async () => {
    const variables = { FAST_LANE, DIRECT_MESSAGES: 'off', ARRIVAL_NOTICES: 'off', API_KEYS: KEY };
    server = await startServer(variables, [PolicyModule]);
    rules = server.app.get(Rules, { strict: false });
    [alice, bob] = [await connect(server.url), await connect(server.url)];
  });
  afterAll(() => server.stop());

  it.each(['<bob>', '<alice>', '*', 'nobody'])('forbids messages of clients to %s', async (receiver) => {
    const to = { '<bob>': bob.id, '<alice>': alice.id }[receiver] ?? receiver;
    alice.send({ type: 'chat', receiver: to, id: '1' });
    const data = { code: 'forbidden', message: 'Sessions may not send messages to sessions.' };
    expect(await alice.answer('1')).toMatchObject({ type: 'sys.error', data });
    await bob.settled();
    expect([...alice.inbox, ...bob.inbox]).toEqual([]);
    expect(rules.asked).toEqual([]);
  });

  it('answers faults before it forbids', async () => {
    alice.send({ type: 'p.emitted', receiver: bob.id, id: '1' });
    expect((await alice.answer('1')).data.code).toBe('reserved_type');
    alice.send({ type: 'chat', id: '2' });
    expect((await alice.answer('2')).data.code).toBe('unknown_type');
  });

  it('leaves handlers, system requests, server code and the HTTP API', async () => {
    alice.send({ type: 'p.handled', id: 'h' });
    expect(await alice.answer('h')).toMatchObject({ type: 'p.handled', data: 'handled' });
    expect((await bob.next('p.no')).sender).toBe(alice.id);
    alice.send({ type: 'sys.ping', id: 'p' });
    expect((await alice.answer('p')).type).toBe('sys.pong');
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/messages`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ type: 'news', receiver: '*' }),
    });
    expect(response.status).toBe(200);
    expect((await bob.next('news')).sender).toBe('server');
  });
});

describe('a start with an AccessPolicy', () => {
  @Injectable()
  class Policy extends AccessPolicy {
    override maySend(): boolean {
      return false;
    }
  }
  @Injectable()
  class OtherPolicy extends AccessPolicy {
    override maySend(): boolean {
      return true;
    }
  }
  @Injectable()
  class AsyncPolicy {
    async maySend(): Promise<boolean> {
      return true;
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class RequestPolicy extends Policy {}
  @Injectable({ scope: Scope.TRANSIENT })
  class TransientPolicy extends Policy {}
  class OtherModule {}
  const module = (providers: Provider[], imports: DynamicModule[] = []): DynamicModule => ({
    module: class GardenModule {},
    providers,
    imports,
  });
  const other: DynamicModule = { module: OtherModule, providers: [{ provide: AccessPolicy, useClass: Policy }] };

  it.each<[string, DynamicModule]>([
    ['uses a class', module([{ provide: AccessPolicy, useClass: Policy }])],
    ['uses the only class that extends it', module([Policy])],
    ['uses a value under another token', module([{ provide: 'policy', useValue: new Policy() }])],
    ['uses the policy that asks another', module([{ provide: AccessPolicy, useClass: Policy }, OtherPolicy])],
    ['uses a value', module([{ provide: AccessPolicy, useValue: { maySend: () => false } }])],
    ['uses what a factory makes later', module([{ provide: AccessPolicy, useFactory: async () => new Policy() }])],
    ['uses another provider', module([Policy, { provide: AccessPolicy, useExisting: Policy }])],
    ['uses the policy of an imported module', module([], [other])],
    [
      'uses a policy whose other methods are async',
      module([
        {
          provide: AccessPolicy,
          useValue: { maySend: () => false, mayJoin: async () => true, maySee: async () => true },
        },
      ]),
    ],
  ])('%s', async (_, handlers) => {
    const server = await startServer({}, [handlers]);
    const alice = await connect(server.url);
    alice.send({ type: 'chat', receiver: '*', id: '1' });
    expect((await alice.answer('1')).data.code).toBe('forbidden');
    await server.stop();
  });

  it.each<[string, DynamicModule, string]>([
    [
      'is one of two classes',
      module([Policy, OtherPolicy]),
      'AccessPolicy: Policy of GardenModule and OtherPolicy of GardenModule extend it; ' +
        'add { provide: AccessPolicy, useExisting: … } with the one that decides',
    ],
    [
      'is in two modules',
      module([{ provide: AccessPolicy, useClass: Policy }], [other]),
      'OtherModule provides AccessPolicy, too; provide it in one module',
    ],
    [
      'has no method',
      module([{ provide: AccessPolicy, useValue: {} }]),
      'AccessPolicy of GardenModule: must have a method maySend(session, receiver, type)',
    ],
    ['is missing', module([{ provide: AccessPolicy, useFactory: () => undefined }]), 'must have a method maySend'],
    ['is async', module([{ provide: AccessPolicy, useClass: AsyncPolicy }]), 'maySend must not be async'],
    [
      'has a field instead of a method',
      module([{ provide: AccessPolicy, useValue: { maySend: () => true, mayJoin: true } }]),
      'AccessPolicy of GardenModule: must have a method mayJoin(session, room)',
    ],
    [
      'has an async method that must answer at once',
      module([{ provide: AccessPolicy, useValue: { maySend: () => true, maySendFromOutside: async () => true } }]),
      'AccessPolicy of GardenModule: maySendFromOutside must not be async',
    ],
    [
      'is request-scoped',
      module([{ provide: AccessPolicy, useClass: RequestPolicy }]),
      'must not be request-scoped or transient',
    ],
    [
      'is transient',
      module([{ provide: AccessPolicy, useClass: TransientPolicy }]),
      'must not be request-scoped or transient',
    ],
  ])('is refused where it %s', async (_, handlers, text) => {
    const started = startServer({}, [handlers]);
    await expect(started).rejects.toThrow(StartError);
    await expect(started).rejects.toThrow(text);
  });
});
