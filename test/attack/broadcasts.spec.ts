import { afterEach, describe, expect, it } from 'vitest';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { openSession } from '../support/sessions.js';

const PRESENT = 500;
/** The attacker and the calm pair are there, too. */
const RECEIVERS = PRESENT + 2;
const BROADCASTS = 400;
/** Far below what the attacker asks for, so that the rate adds little while the test runs. */
const PER_SECOND = 5000;

describe.each(['on', 'off'])('broadcasts of one session, fast lane %s,', { timeout: 30_000 }, (FAST_LANE) => {
  let server: TestServer;
  let pair: readonly [Client, Client];
  afterEach(() => server.stop());

  async function start(variables: Record<string, string>): Promise<void> {
    server = await startServer({ FAST_LANE, ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none', ...variables });
    pair = [await connect(server.url), await connect(server.url)];
    for (let count = 0; count < PRESENT; count++) openSession(server.app.get(SessionRegistry));
  }

  function broadcast(id: number): Buffer {
    return clientFrame(`{"type":"all","receiver":"*","id":"${id}"}`);
  }

  async function answers(attacker: RawClient, count: number): Promise<{ type: string; ref: string; data: object }[]> {
    while (attacker.lines.length < count && !attacker.over) await new Promise(setImmediate);
    return attacker.lines.map((line) => JSON.parse(line.slice(5)) as { type: string; ref: string; data: object });
  }

  it('are charged by their receivers, and each is answered in order', async () => {
    await start({ BROADCAST_RECEIVERS_PER_SECOND: String(PER_SECOND) });
    const attacker = await RawClient.open(server.port);
    const begunMs = performance.now();
    attacker.socket.write(Buffer.concat(Array.from({ length: BROADCASTS }, (_, id) => broadcast(id))));
    const all = await answers(attacker, BROADCASTS);
    const seconds = (performance.now() - begunMs) / 1000;
    expect(all.map(({ ref }) => Number(ref))).toEqual(Array.from({ length: BROADCASTS }, (_, id) => id));
    const accepted = all.filter(({ type }) => type === 'sys.ack').length;
    // The burst of one second, the rate since, and one broadcast that takes the last receiver.
    const most = (PER_SECOND * (1 + seconds)) / RECEIVERS + 1;
    expect(accepted).toBeGreaterThanOrEqual(Math.floor(PER_SECOND / RECEIVERS));
    expect(accepted).toBeLessThanOrEqual(Math.ceil(most));
    const refused = all.find(({ type }) => type === 'sys.error')!;
    expect(refused.data).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) as number });
    const [ann, bob] = pair;
    ann.send({ type: 'calm', receiver: bob.id, id: 'c' });
    expect((await ann.answer('c')).data).toEqual({ status: 'routed' });
    ann.send({ type: 'own', receiver: '*', id: 'o' });
    expect((await ann.answer('o')).data).toEqual({ status: 'accepted' });
    expect(bob.inbox.filter(({ type }) => type === 'all')).toHaveLength(accepted);
  });

  it('pass once although they have more receivers than the burst', async () => {
    await start({ BROADCAST_RECEIVERS_PER_SECOND: '1' });
    const [ann] = pair;
    ann.send({ type: 'all', receiver: '*', id: '1' });
    ann.send({ type: 'all', receiver: '*', id: '2' });
    expect((await ann.answer('1')).data).toEqual({ status: 'accepted' });
    expect((await ann.answer('2')).data.code).toBe('rate_limited');
    ann.send({ type: 'direct', receiver: pair[1].id, id: '3' });
    expect((await ann.answer('3')).data).toEqual({ status: 'routed' });
  });

  it('are charged once while other nodes cannot be reached', async () => {
    await start({
      BROADCAST_RECEIVERS_PER_SECOND: String(RECEIVERS + 100),
      BACKPLANE: 'nats',
      NATS_URL: 'nats://127.0.0.1:1',
    });
    const [ann] = pair;
    for (const id of ['1', '2', '3']) ann.send({ type: 'all', receiver: '*', id });
    expect((await ann.answer('1')).data.code).toBe('unavailable');
    expect((await ann.answer('2')).data.code).toBe('unavailable');
    expect((await ann.answer('3')).data.code).toBe('rate_limited');
  });

  it('are forbidden where the operator says so, and those of server code are not', async () => {
    await start({ BROADCASTS: 'off' });
    const [ann, bob] = pair;
    ann.send({ type: 'all', receiver: '*', id: '1' });
    expect((await ann.answer('1')).data.code).toBe('forbidden');
    server.app.get(Switchboard, { strict: false }).broadcast('server', 'news', 1);
    expect((await bob.next('news')).data).toBe(1);
    expect(bob.inbox.filter(({ type }) => type === 'all')).toEqual([]);
  });
});
