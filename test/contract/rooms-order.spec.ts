import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import type { Session } from '../../src/sessions/session.js';
import type { Client } from '../support/client.js';
import { gather, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

/** Handlers that answer, and that send to a room in the name of the caller. */
@MessagingGateway()
class RelayGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('h.relay')
  relay(@MessageBody() body: unknown, @Sender() sender: Session): void {
    for (const part of ['a', 'b', 'c']) this.switchboard.send(sender, '#garden', 'relayed', [body, part]);
  }

  @SubscribeMessage('h.echo')
  async echo(@MessageBody() body: unknown): Promise<unknown> {
    return Promise.resolve(body);
  }
}

@Module({ providers: [RelayGateway] })
class RelayModule {}

describe.each(['on', 'off'])('messages of one session (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  afterEach(() => server.stop());

  /** Starts a server with a sender and two receivers, sessions of one user and members of one room. */
  async function start(): Promise<[Client, Client, Client]> {
    const variables = { ...AUTH, AUTH: 'optional', FAST_LANE, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };
    server = await startServer(variables, [RelayModule]);
    const zoe = bearer(await token({ sub: 'zoë' }));
    const clients = [await server.connect(), await server.connect(zoe), await server.connect(zoe)] as const;
    await gather('garden', ...clients);
    return [...clients];
  }

  it('arrive in the order sent at each receiver: direct, to a user, to a room and to all, of any form', async () => {
    const [ann, bob, eve] = await start();
    const count = 800;
    const receivers = ['@zoë', '#garden', '*', bob.id];
    const escaped = ['\\u0040zo\\u00eb', '\\u0023garden', '\\u002a', bob.id];
    for (let index = 0; index < count; index++) {
      // Each receiver follows each other one, on the fast path and on the slow one.
      const turn = (index * 7 + Math.trunc(index / 4)) % 4;
      const data = JSON.stringify({ index, fill: 'ä'.repeat(index % 13 === 0 ? 5000 : index % 50) });
      const extra = index % 7 === 0 ? ',"sender":"server"' : index % 11 === 0 ? `,"id":"m${index}"` : '';
      const receiver = index % 5 === 0 ? escaped[turn] : receivers[turn];
      ann.sendText(`{"type":"n","receiver":"${receiver}","data":${data}${extra}}`);
    }
    await settle(ann, bob, eve);
    const indexes = ({ inbox }: Client): number[] =>
      inbox.filter(({ type }) => type === 'n').map(({ data }) => (data as { index: number }).index);
    expect(indexes(bob)).toEqual(Array.from({ length: count }, (_, index) => index));
    const direct = new Set(
      bob.inbox.filter(({ receiver }) => receiver === bob.id).map(({ data }) => data.index as number),
    );
    expect(direct.size).toBeGreaterThan(count / 8);
    expect(indexes(eve)).toEqual(indexes(bob).filter((index) => !direct.has(index)));
    for (const { sender } of [...bob.inbox, ...eve.inbox]) expect(sender).toBe(ann.id);
    expect(indexes(ann)).toEqual([]);
    const acks = ann.inbox.map(({ type, ref }) => `${type} ${ref}`);
    const expected = Array.from({ length: count }, (_, index) => index).filter(
      (index) => index % 11 === 0 && index % 7 > 0,
    );
    expect(acks.toSorted()).toEqual(expected.map((index) => `sys.ack m${index}`).toSorted());
  });

  it('arrive in the order sent while handlers answer', async () => {
    const [ann, bob] = await start();
    const count = 200;
    for (let data = 0; data < count; data++) {
      ann.send({ type: 'h.echo', data });
      ann.send({ type: 'n', receiver: ['#garden', '@zoë', '*'][data % 3], data });
      ann.send({ type: 'h.echo', receiver: '#garden', data });
    }
    await settle(ann, bob);
    expect(bob.inbox.map(({ data }) => data as number)).toEqual(Array.from({ length: count }, (_, data) => data));
  });

  it('that handlers send in its name arrive in the order of its calls', async () => {
    const [ann, bob, eve] = await start();
    for (let data = 0; data < 50; data++) ann.send({ type: 'h.relay', data, id: `${data}` });
    for (let data = 0; data < 50; data++) expect((await ann.answer(`${data}`)).data).toEqual({ status: 'accepted' });
    await settle(ann, bob, eve);
    const expected = Array.from({ length: 50 }, (_, data) => ['a', 'b', 'c'].map((part) => [data, part])).flat();
    for (const { inbox } of [bob, eve]) {
      expect(inbox.map(({ data }) => data as unknown)).toEqual(expected);
      for (const { type, sender, receiver } of inbox)
        expect([type, sender, receiver]).toEqual(['relayed', ann.id, '#garden']);
    }
    expect(ann.inbox).toEqual([]);
  });

  it('go to the handler that claims their type, whatever the receiver', async () => {
    const [ann, bob, eve] = await start();
    for (const receiver of ['#garden', '@zoë', '#nowhere', '@nobody', '#', '*']) {
      ann.send({ type: 'h.echo', receiver, data: receiver, id: 'h' });
      expect(await ann.answer('h')).toEqual({
        type: 'h.echo',
        sender: 'server',
        receiver: ann.id,
        ref: 'h',
        data: receiver,
      });
      expect(await ann.answer('h')).toMatchObject({ type: 'sys.ack', data: { status: 'accepted' } });
    }
    await settle(ann, bob, eve);
    expect([...bob.inbox, ...eve.inbox]).toEqual([]);
  });
});
