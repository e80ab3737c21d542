import { readFile, writeFile } from 'node:fs/promises';
import { SubscribeMessage } from '@nestjs/websockets';
import { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Abort } from '../../src/gateway/nest/session.decorators.js';
import type { OnSessionDeparture } from '../../src/gateway/nest/session-hooks.js';
import { Rooms } from '../../src/groups/rooms.js';
import type { SessionResumption } from '../../src/resume/session-resumption.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { SessionState } from '../../src/sessions/session-state.js';
import type { Session } from '../../src/sessions/session.js';
import { connect } from '../support/client.js';
import { Deferred } from '../support/deferred.js';
import { TestPolicy } from '../support/permissions.js';
import { ResumableClient } from '../support/resumable-client.js';
import { RestartedServer } from '../support/restarted-server.js';
import { AUTH, token } from '../support/tokens.js';

/** Close codes of departures, of all processes of a test. */
const departures: number[] = [];

@MessagingGateway()
class Endless implements OnSessionDeparture {
  onSessionDeparture(_: Session, code: number): void {
    departures.push(code);
  }

  @SubscribeMessage('hang')
  hang(@Abort() signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }

  @SubscribeMessage('ticks')
  ticks(): Observable<number> {
    return new Observable((subscriber) => subscriber.next(1));
  }
}

const UNKNOWN = { data: { resumed: false, reason: 'unknown' } };

describe('at a restart with RESUME_STATE_DIR', () => {
  let server: RestartedServer;

  beforeEach(async () => {
    departures.length = 0;
    server = await RestartedServer.start(Endless, TestPolicy);
  });
  afterEach(() => server.remove());

  it('each call that has no end is answered once', async () => {
    server.variables['DRAIN_TIMEOUT_MS'] = '500';
    await server.restart();
    const ann = await ResumableClient.open(server);
    ann.send({ type: 'ticks', id: 'stream' });
    await ann.next('ticks');
    for (const id of ['runs', 'waits']) ann.send({ type: 'hang', id });
    await ann.settled();
    await server.restart();
    await ann.resume();
    await ann.settled();
    const errors = ann.inbox.filter(({ type }) => type === 'sys.error');
    expect(errors.map(({ ref, data }) => [ref, data.code as unknown])).toEqual([
      ['stream', 'unavailable'],
      ['runs', 'unavailable'],
      ['waits', 'unavailable'],
    ]);
  });

  it('each system request that waits for a policy without end is answered once', async () => {
    server.variables['DRAIN_TIMEOUT_MS'] = '500';
    await server.restart();
    const ann = await ResumableClient.open(server);
    const policy = server.app.get(TestPolicy, { strict: false });
    const never = (): Promise<never> => new Promise(() => undefined);
    for (const question of ['mayJoin garden', 'maySee @bob']) policy.verdicts.set(question, never);
    ann.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    ann.send({ type: 'sys.leave', receiver: '#garden', id: 'leave' });
    ann.send({ type: 'sys.watch', receiver: '@bob', id: 'watch' });
    await ann.settled();
    await server.restart();
    expect((await ann.resume()).data.received).toBe(4); // with the ping
    await ann.settled();
    const answers = ann.inbox.filter(({ ref }) => ref !== undefined);
    expect(answers.map(({ ref, data }) => [ref, data.code as unknown])).toEqual([
      ['join', 'unavailable'],
      ['leave', 'unavailable'],
      ['watch', 'unavailable'],
    ]);
    expect(server.app.get(Rooms, { strict: false }).of(server.session(ann))).toEqual([]);
  });

  it('the drain waits for a policy that answers, and the request has its effect', async () => {
    const ann = await ResumableClient.open(server);
    const verdict = new Deferred<boolean>();
    server.app.get(TestPolicy, { strict: false }).verdicts.set('mayJoin garden', () => verdict.promise);
    ann.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    await ann.settled();
    const stopped = server.stop();
    await ann.next('sys.reconnect');
    await ann.settled(); // the node still reads
    verdict.resolve(true);
    await stopped;
    await server.start();
    await ann.resume();
    expect((await ann.answer('join')).type).toBe('sys.members');
    expect(server.app.get(Rooms, { strict: false }).of(server.session(ann))).toEqual(['garden']);
  });

  it('a renewed token is answered once where a policy still decides about a room', async () => {
    Object.assign(server.variables, AUTH, { DRAIN_TIMEOUT_MS: '500' });
    await server.restart();
    const headers = [`Authorization: Bearer ${await token()}`];
    const ann = await ResumableClient.open(server, { headers });
    ann.send({ type: 'sys.join', receiver: '#garden', id: 'join' });
    await ann.answer('join');
    const policy = server.app.get(TestPolicy, { strict: false });
    policy.verdicts.set('mayJoin garden', () => new Promise(() => undefined));
    ann.send({ type: 'sys.auth', id: 'auth', data: { token: await token() } });
    expect((await ann.answer('auth')).data).toEqual({ status: 'accepted' });
    await server.restart();
    await ann.resume({ headers });
    await ann.settled();
    expect(ann.inbox.filter(({ ref }) => ref !== undefined)).toEqual([]);
    expect(server.app.get(Rooms, { strict: false }).of(server.session(ann))).toEqual(['garden']);
  });

  it('a state that JSON cannot hold begins anew, and the others are carried', async () => {
    const ann = await ResumableClient.open(server);
    const [maps, numbers] = [
      new SessionState((): unknown => 'first', { key: 'map' }),
      new SessionState(() => 1, { key: 'number' }),
    ];
    maps.set(server.session(ann), new Map());
    numbers.set(server.session(ann), 2);
    await server.restart();
    expect((await ann.resume()).data.resumed).toBe(true);
    expect([maps.of(server.session(ann)), numbers.of(server.session(ann))]).toEqual(['first', 2]);
  });

  it('a session whose claims JSON cannot hold ends, and the others get its departure', async () => {
    const [ann, bob] = [await ResumableClient.open(server), await ResumableClient.open(server)];
    const session = server.session(ann);
    session.identity = { ...session.identity, claims: { expires: new Date() } };
    await server.restart();
    expect(await ann.resume()).toMatchObject(UNKNOWN);
    expect((await bob.resume()).data.resumed).toBe(true);
    expect(await bob.next('sys.departed')).toMatchObject({ data: { code: 1012 } });
    expect(departures).toEqual([1012]);
  });

  it('messages that were passed over are reported', async () => {
    server.variables['NOTICE_SCOPE'] = 'none';
    await server.restart();
    const [ann] = [await ResumableClient.open(server), await connect(server.url)];
    ann.cut();
    const session = await server.away(ann);
    // Behind all that the drain itself sends.
    server.app.get(SessionRegistry).addListener('hooks', { closed: () => session.missMessage() });
    await server.restart();
    await ann.resume();
    expect((await ann.next('sys.gap')).data).toEqual({ messages: 1, notices: 0 });
  });

  it('the time away counts from the loss of the connection', async () => {
    const [ann, bob] = [await ResumableClient.open(server), await ResumableClient.open(server)];
    for (const client of [ann, bob]) {
      client.cut();
      ((await server.away(client)).resumption as SessionResumption).awaySinceMs -= 10_000;
    }
    await server.restart();
    const { awayMs } = (await bob.resume()).data as { awayMs: number };
    expect(awayMs).toBeGreaterThan(10_000);
    expect(awayMs).toBeLessThan(60_000);
    await server.restart({ RESUME_WINDOW_MS: '10000' });
    await bob.resume();
    expect(await bob.next('sys.departed')).toMatchObject({ sender: ann.id, data: { code: 1006 } });
    expect(await ann.resume()).toMatchObject({ data: { resumed: false, reason: 'expired' } });
  });

  it('nobody comes back with the token of another user', async () => {
    Object.assign(server.variables, AUTH, { AUTH: 'optional' });
    await server.restart();
    const [eve, mallory] = await Promise.all(['eve', 'mallory'].map((sub) => token({ sub })));
    const session = await ResumableClient.open(server, { headers: [`Authorization: Bearer ${eve}`] });
    await server.restart();
    for (const headers of [[], [`Authorization: Bearer ${mallory}`]])
      expect((await ResumableClient.return(server, { token: session.token, headers })).welcome).toMatchObject(UNKNOWN);
    expect((await session.resume()).data.resumed).toBe(true);
  });

  it('nobody comes back to a session that has ended', async () => {
    const [ann, bob] = [await ResumableClient.open(server), await ResumableClient.open(server)];
    void ann.close(1000);
    await bob.next('sys.departed');
    await server.restart();
    expect((await ResumableClient.return(server, { token: ann.token })).welcome).toMatchObject(UNKNOWN);
    expect((await bob.resume()).data.resumed).toBe(true);
  });

  it('all sessions begin anew where the file is damaged', async () => {
    const ann = await ResumableClient.open(server);
    await server.stop();
    await writeFile(server.path, (await readFile(server.path, 'utf8')).replace('"code":1012', '"code":1011'));
    await server.start();
    expect(await server.files).toEqual([]);
    expect(await ann.resume()).toMatchObject(UNKNOWN);
  });

  it('all sessions begin anew where the process was down for longer than RESUME_WINDOW_MS', async () => {
    const ann = await ResumableClient.open(server);
    await server.restart({ RESUME_WINDOW_MS: '1', DRAIN_SPREAD_MS: '0' });
    expect(await ann.resume()).toMatchObject(UNKNOWN);
  });

  it('all sessions end where they cannot be saved', async () => {
    const ann = await ResumableClient.open(server);
    await writeFile(server.path, 'of another process');
    await server.restart();
    expect(await ann.resume()).toMatchObject(UNKNOWN);
    expect(departures).toEqual([1012]);
  });
});
