import { Injectable, Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { AccessPolicy, type SendVerdict } from '../../src/messaging/access-policy.js';
import { RememberedAnswers } from '../../src/messaging/remembered-answers.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import type { Session } from '../../src/sessions/session.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { bearer, SECRET, token } from '../support/tokens.js';

/** Answers by the type of the message. */
@Injectable()
class TestPolicy extends AccessPolicy {
  readonly asked: [session: string, receiver: string, type: string][] = [];

  override maySend(session: Session, receiver: string, type: string): SendVerdict {
    this.asked.push([session.id, receiver, type]);
    if (type === 'p.throws') throw new Error('a fault of the policy');
    if (type === 'p.always') return 'always';
    return type === 'p.never' ? 'never' : type !== 'p.no';
  }
}

@MessagingGateway()
class HandlingGateway {
  @SubscribeMessage('p.handled')
  handled(): string {
    return 'handled';
  }
}

@Module({ providers: [{ provide: AccessPolicy, useClass: TestPolicy }, HandlingGateway] })
class PolicyModule {}

describe.each(['on', 'off'])('an answer of a policy that is remembered (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let policy: TestPolicy;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    const variables = { FAST_LANE, ARRIVAL_NOTICES: 'off', AUTH: 'optional', AUTH_SECRET: SECRET };
    server = await startServer({ ...variables, RESERVED_TYPES: 'p.reserved' }, [PolicyModule]);
    policy = server.app.get<AccessPolicy, TestPolicy>(AccessPolicy, { strict: false });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    alice = await server.connect(bearer(await token()));
    bob = await server.connect();
    policy.asked.splice(0);
  });

  const answerTo = async (type: string, receiver: string): Promise<string> => {
    alice.send({ type, receiver, id: type, data: 'grüße' });
    const { data } = await alice.answer(type);
    return (data as { status?: string }).status ?? (data as { code: string }).code;
  };

  it.each([
    ['<bob>', 'routed'],
    ['*', 'accepted'],
  ])('holds for all later messages of the session to %s, which arrive', async (receiver, status) => {
    const to = receiver === '<bob>' ? bob.id : receiver;
    expect(await answerTo('p.always', to)).toBe(status);
    for (const type of ['chat', 'p.no', 'p.never', 'p.throws']) expect(await answerTo(type, to)).toBe(status);
    expect(policy.asked).toEqual([[alice.id, to, 'p.always']]);
    for (const type of ['p.always', 'chat', 'p.no', 'p.never', 'p.throws'])
      expect(await bob.next(type)).toMatchObject({ sender: alice.id, receiver: to, data: 'grüße' });
  });

  it('refuses all later messages, also those that would be allowed', async () => {
    for (const type of ['p.never', 'chat', 'p.always']) expect(await answerTo(type, bob.id)).toBe('forbidden');
    expect(policy.asked).toEqual([[alice.id, bob.id, 'p.never']]);
    await bob.settled();
    expect(bob.inbox).toEqual([]);
  });

  it('holds for no other receiver and for no other session', async () => {
    await answerTo('p.always', bob.id);
    expect(await answerTo('p.no', alice.id)).toBe('forbidden');
    expect(await answerTo('p.no', `${bob.id.slice(0, -1)}~`)).toBe('forbidden');
    expect(await answerTo('p.no', '*')).toBe('forbidden');
    bob.send({ type: 'p.no', receiver: bob.id, id: 'b' });
    expect((await bob.answer('b')).data.code).toBe('forbidden');
    expect(policy.asked).toHaveLength(5);
  });

  it('changes nothing for reserved types and for handled ones', async () => {
    await answerTo('p.always', bob.id);
    expect(await answerTo('p.reserved', bob.id)).toBe('reserved_type');
    alice.send({ type: 'p.handled', receiver: bob.id, id: 'h' });
    expect(await alice.answer('h')).toMatchObject({ type: 'p.handled' });
  });

  it('is not that of an answer for one message', async () => {
    expect([await answerTo('chat', bob.id), await answerTo('p.no', bob.id)]).toEqual(['routed', 'forbidden']);
    expect(policy.asked).toHaveLength(2);
  });

  it('is forgotten when the token is renewed, and where the application says so', async () => {
    await answerTo('p.always', bob.id);
    alice.send({ type: 'sys.auth', id: 'auth', data: { token: await token() } });
    expect((await alice.answer('auth')).type).toBe('sys.ack');
    expect(await answerTo('p.no', bob.id)).toBe('forbidden');
    await answerTo('p.always', bob.id);
    const answers = server.app.get(RememberedAnswers, { strict: false });
    answers.forget(server.app.get(Switchboard, { strict: false }).find(alice.id)!, bob.id);
    expect(await answerTo('p.no', bob.id)).toBe('forbidden');
    await answerTo('p.always', bob.id);
    answers.forgetAll();
    expect(await answerTo('p.no', bob.id)).toBe('forbidden');
  });
});
