import { SubscribeMessage } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OnSessionBack, SessionReturn } from '../../src/gateway/nest/resume-hooks.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import type { OnSessionArrival, OnSessionDeparture } from '../../src/gateway/nest/session-hooks.js';
import { Rooms } from '../../src/groups/rooms.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { SessionState } from '../../src/sessions/session-state.js';
import type { Session } from '../../src/sessions/session.js';
import { connect } from '../support/client.js';
import { ResumableClient } from '../support/resumable-client.js';
import { RestartedServer } from '../support/restarted-server.js';
import { AUTH, token } from '../support/tokens.js';

/** Calls of hooks, of all processes of a test. */
const hooks: string[] = [];

@MessagingGateway()
class Votes implements OnSessionArrival, OnSessionBack, OnSessionDeparture {
  readonly #votes = new SessionState(() => ({ count: 0 }), { key: 'votes' });
  readonly #others = new SessionState(() => ({ count: 0 }));

  onSessionArrival(): void {
    hooks.push('arrival');
  }

  onSessionBack(_: Session, { restarted }: SessionReturn): void {
    hooks.push(`back ${restarted}`);
  }

  onSessionDeparture(_: Session, code: number): void {
    hooks.push(`departure ${code}`);
  }

  @SubscribeMessage('vote')
  vote(@Sender() sender: Session): number[] {
    return [++this.#votes.of(sender).count, ++this.#others.of(sender).count];
  }
}

describe('after a restart with RESUME_STATE_DIR, a client that resumes', () => {
  let server: RestartedServer;

  beforeEach(async () => {
    hooks.length = 0;
    server = await RestartedServer.start(Votes);
  });
  afterEach(() => server.remove());

  /** Returns headers with a token. */
  const authorized = async (options: Parameters<typeof token>[0]): Promise<{ headers: string[] }> => ({
    headers: [`Authorization: Bearer ${await token(options)}`],
  });

  /** Returns the number of votes by the state with a key, and by the one without. */
  async function vote(client: ResumableClient): Promise<unknown> {
    client.send({ type: 'vote' });
    return (await client.next('vote')).data as unknown;
  }

  it('has its session, with what it has not seen, rooms and states', async () => {
    const [ann, bob] = [await ResumableClient.open(server), await ResumableClient.open(server)];
    for (const client of [ann, bob]) client.send({ type: 'sys.join', receiver: '#garden', id: 'j' });
    await Promise.all([ann.answer('j'), bob.answer('j'), ann.next('sys.joined')]);
    expect(await vote(ann)).toEqual([1, 1]);
    bob.cut();
    await server.away(bob);
    ann.send({ type: 'direct', receiver: bob.id, id: '2', data: 'kept' });
    await ann.answer('2');

    await server.restart();
    expect(await server.files).toEqual([]);
    expect(await bob.resume()).toMatchObject({ receiver: bob.id, data: { resumed: true, received: 1 } });
    expect(await bob.next('direct')).toMatchObject({ sender: ann.id, data: 'kept' });
    const { data } = await ann.resume();
    expect(data.resumed).toBe(true);
    expect(data.awayMs).toBeGreaterThan(0);

    expect(await vote(ann)).toEqual([2, 1]);
    ann.send({ type: 'to.room', receiver: '#garden' });
    expect((await bob.next('to.room')).sender).toBe(ann.id);
    bob.send({ type: 'sys.who', receiver: '#garden', id: '5' });
    expect((await bob.answer('5')).data.sessions).toEqual([ann.id, bob.id].toSorted());
    expect(hooks).toEqual(['arrival', 'arrival', 'back true', 'back true']);
    await ann.settled();
    for (const { inbox } of [ann, bob])
      expect(inbox.filter(({ type }) => /joined|left|departed|away|back/.test(type))).toEqual([]);
  });

  it('keeps its watches, and its user online', async () => {
    Object.assign(server.variables, AUTH);
    await server.restart();
    const [ann, eve] = [
      await ResumableClient.open(server, await authorized({ sub: 'ann' })),
      await ResumableClient.open(server, await authorized({ sub: 'eve' })),
    ];
    ann.send({ type: 'sys.watch', receiver: '@eve', id: 'w' });
    expect((await ann.answer('w')).data).toEqual({ user: 'eve', online: true, sessions: 1 });
    await server.restart();
    await ann.resume();
    ann.send({ type: 'sys.who', receiver: '@eve', id: '1' });
    expect((await ann.answer('1')).data.total).toBe(1);
    expect((await eve.resume()).data.resumed).toBe(true);
    void eve.close(1000);
    expect((await ann.next('sys.presence')).data).toEqual({ user: 'eve', online: false, sessions: 0 });
  });

  it('counts for the limit of its user', async () => {
    Object.assign(server.variables, AUTH, { MAX_CONNECTIONS_PER_USER: '1' });
    await server.restart();
    const options = await authorized({ sub: 'eve' });
    const eve = await ResumableClient.open(server, options);
    await server.restart();
    await expect(ResumableClient.open(server, options)).rejects.toThrow('429');
    expect((await eve.resume()).data.resumed).toBe(true);
    void eve.close(1000);
    await expect.poll(() => server.app.get(SessionRegistry).size).toBe(0);
    expect((await ResumableClient.open(server, options)).id).not.toBe(eve.id);
  });

  it('keeps memberships that server code has made, and its rates', async () => {
    Object.assign(server.variables, AUTH, { MESSAGES_PER_SECOND: '1' });
    await server.restart();
    const claims = { switchboard: { rooms: { garden: ['join', 'see'] } } };
    const ann = await ResumableClient.open(server, await authorized({ claims }));
    for (const room of ['staff', 'garden'])
      await server.app.get(Rooms, { strict: false }).join(server.session(ann), room);
    await server.restart();
    await ann.resume();
    for (let id = 0; id < 10; id++) ann.send({ type: 'sys.who', receiver: '#garden', id: String(id) });
    expect((await ann.next('sys.error')).data).toMatchObject({ code: 'rate_limited' });
    expect(server.app.get(Rooms, { strict: false }).of(server.session(ann))).toEqual(['staff', 'garden']);
  });

  it('gets the departures of those with which it exchanged messages before', async () => {
    server.variables['NOTICE_SCOPE'] = 'peers';
    await server.restart();
    const [ann, bob, eve] = [
      await ResumableClient.open(server),
      await ResumableClient.open(server),
      await ResumableClient.open(server),
    ];
    ann.send({ type: 'hello', receiver: bob.id, id: '1' });
    await ann.answer('1');
    await server.restart();
    for (const client of [ann, bob, eve]) await client.resume();
    void bob.close(1000);
    expect((await ann.next('sys.departed')).sender).toBe(bob.id);
    await eve.settled();
    expect(eve.frames.some((text) => text.includes('sys.departed'))).toBe(false);
  });

  it('gets the departures of sessions that the drain has ended', async () => {
    const [ann, other] = [await ResumableClient.open(server), await connect(server.url)];
    for (const client of [ann, other]) {
      client.send({ type: 'sys.join', receiver: '#garden', id: 'j' });
      await client.answer('j');
    }
    await ann.next('sys.joined');
    await server.restart();
    expect(await other.closed).toEqual({ code: 1012, reason: 'service_restart' });
    expect(other.inbox.some(({ type }) => type === 'sys.reconnect')).toBe(true);
    expect((await ann.connection.closed).code).toBe(1012);
    await ann.resume();
    await ann.settled();
    const frames = ann.frames.map((text) => JSON.parse(text) as { type: string; sender: string; data: unknown });
    expect(frames.filter(({ sender }) => sender === other.id).map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'sys.joined', data: {} },
      { type: 'sys.left', data: { code: 1012 } },
      { type: 'sys.departed', data: { code: 1012 } },
    ]);
    expect(hooks).toEqual(['arrival', 'arrival', 'departure 1012', 'back true']);
  });

  it('gets one sys.reconnect before its connection is closed with 1012, unless it is away', async () => {
    const [ann, bob] = [await ResumableClient.open(server), await ResumableClient.open(server)];
    bob.cut();
    await server.away(bob);
    const reconnects = ({ frames }: ResumableClient): unknown[] =>
      frames.map((text) => JSON.parse(text) as { type: string }).filter(({ type }) => type === 'sys.reconnect');
    await server.stop();
    expect(await ann.connection.closed).toEqual({ code: 1012, reason: 'service_restart' });
    const data = { afterMs: expect.any(Number) as unknown };
    expect(reconnects(ann)).toEqual([{ type: 'sys.reconnect', sender: 'server', receiver: ann.id, data }]);
    await server.start();
    for (const client of [ann, bob]) {
      expect((await client.resume()).data.resumed).toBe(true);
      await client.settled();
    }
    expect([reconnects(ann).length, reconnects(bob)]).toEqual([1, []]);
  });

  it('has its session again after a second restart, also where it was away meanwhile', async () => {
    const ann = await ResumableClient.open(server);
    await vote(ann);
    await server.restart();
    await server.restart();
    expect((await ann.resume()).data.resumed).toBe(true);
    expect(await vote(ann)).toEqual([2, 1]);
    await server.restart();
    expect((await ann.resume()).data.resumed).toBe(true);
    expect(await vote(ann)).toEqual([3, 1]);
    expect(hooks).toEqual(['arrival', 'back true', 'back true']);
  });

  it('is reported once as back from a restart', async () => {
    const ann = await ResumableClient.open(server);
    await server.restart();
    await ann.resume();
    ann.cut();
    await ann.resume();
    expect(hooks).toEqual(['arrival', 'back true', 'back false']);
  });

  it('may use the token before the last one, where it has not got the last', async () => {
    const ann = await ResumableClient.open(server);
    const { token: first } = ann;
    ann.cut();
    await ann.resume();
    ann.cut();
    await server.restart();
    expect((await ann.resume({ token: first })).data.resumed).toBe(true);
  });
});
