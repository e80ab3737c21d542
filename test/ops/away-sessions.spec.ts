import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { API_KEY, callApi } from '../support/api.js';
import { ask } from '../support/ask.js';
import { connect, type Client } from '../support/client.js';
import { ServerProcess } from '../support/process.js';
import { startServer, type TestServer } from '../support/server.js';
import { AUTH, bearer, token } from '../support/tokens.js';

const LOST = { switchboard_sessions: 1, switchboard_sessions_away: 1 };

/** Opens a session that resumes, or returns to one. @param offer the parts of the subprotocol behind `resume` */
function connectResuming(url: string, offer: readonly (string | number)[] = [], headers = {}): Promise<Client> {
  return connect(url, { protocols: ['switchboard.v1', ['resume', ...offer].join('.')], headers });
}

function tokenOf({ welcome }: Client): string {
  return (welcome.data as { resume: { token: string } }).resume.token;
}

describe('a session that is away', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({
      ...AUTH,
      AUTH: 'optional',
      API_KEYS: API_KEY,
      NOTICE_SCOPE: 'none',
      ARRIVAL_NOTICES: 'off',
    });
  });
  afterEach(() => server.stop());

  const read = async (path: string): Promise<Record<string, unknown>> =>
    JSON.parse((await callApi(server, 'GET', path)).body) as Record<string, unknown>;

  /** Returns the samples of `/metrics` by name with labels. */
  async function scrape(): Promise<Record<string, number>> {
    const { body } = await ask(`http://127.0.0.1:${server.port}/metrics`);
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  }

  /** Cuts the connection, and waits until the server knows. */
  async function lose(client: Client): Promise<void> {
    client.terminate();
    await expect.poll(async () => (await read(`/sessions/${client.id}`))['state']).toBe('away');
  }

  it('is described with its state, the time of the loss and what is kept, and closed by the API', async () => {
    const ann = await connectResuming(server.url, [], bearer(await token({ sub: 'ann' })).headers);
    expect(await read(`/sessions/${ann.id}`)).toMatchObject({ state: 'open', bytesUnseen: 0 });
    const before = Date.now();
    await lose(ann);
    const body = JSON.stringify({ type: 'order.paid', receiver: ann.id, data: 'x'.repeat(100) });
    expect(JSON.parse((await callApi(server, 'POST', '/messages', { body })).body)).toEqual({ status: 'held' });
    const toUser = JSON.stringify({ type: 'order.paid', receiver: '@ann' });
    expect(JSON.parse((await callApi(server, 'POST', '/messages', { body: toUser })).body)).toEqual({
      status: 'held',
      sessions: 0,
      held: 1,
    });
    const details = await read(`/sessions/${ann.id}`);
    expect(details).toMatchObject({ id: ann.id, state: 'away', user: 'ann', bytesIn: 0, bytesOut: 0 });
    expect(details['bytesUnseen']).toBeGreaterThan(100);
    expect(Date.parse(String(details['awaySince']))).toBeGreaterThan(before - 1000);
    expect((await read('/sessions'))['sessions']).toEqual([expect.objectContaining({ id: ann.id, state: 'away' })]);
    expect((await read('/users/ann/sessions'))['total']).toBe(1);
    expect(await read('/stats')).toMatchObject({ sessions: 1, sessionsAway: 1 });
    expect((await callApi(server, 'DELETE', `/sessions/${ann.id}`)).status).toBe(204);
    expect(await read('/stats')).toMatchObject({ sessions: 0, sessionsAway: 0 });
    expect(await scrape()).toMatchObject({
      'switchboard_sessions_closed_total{code="4000"}': 1,
      'switchboard_sessions_away_ended_total{how="closed"}': 1,
    });
  });

  it('is counted with its return', async () => {
    const ann = await connectResuming(server.url);
    await lose(ann);
    expect(await scrape()).toMatchObject({
      ...LOST,
      switchboard_sessions_lost_total: 1,
      'switchboard_returns_total{outcome="resumed"}': 0,
    });
    const back = await connectResuming(server.url, [tokenOf(ann), 0]);
    expect(back.welcome).toMatchObject({ receiver: ann.id, data: { resumed: true } });
    expect(await scrape()).toMatchObject({
      switchboard_sessions: 1,
      switchboard_sessions_away: 0,
      switchboard_sessions_opened_total: 1,
      'switchboard_returns_total{outcome="resumed"}': 1,
      'switchboard_sessions_away_ended_total{how="back"}': 1,
      'switchboard_sessions_away_ended_total{how="expired"}': 0,
    });
  });

  it('is counted where it ends, and its client is counted with the reason', async () => {
    await server.stop();
    server = await startServer({ RESUME_WINDOW_MS: '50', API_KEYS: API_KEY });
    const ann = await connectResuming(server.url);
    ann.terminate();
    await expect
      .poll(scrape)
      .toMatchObject({ switchboard_sessions: 0, 'switchboard_sessions_away_ended_total{how="expired"}': 1 });
    const late = await connectResuming(server.url, [tokenOf(ann), 0]);
    expect(late.welcome.data).toMatchObject({ resumed: false, reason: 'expired' });
    await connectResuming(server.url, ['x'.repeat(46), 0]);
    expect(await scrape()).toMatchObject({
      'switchboard_returns_total{outcome="expired"}': 1,
      'switchboard_returns_total{outcome="unknown"}': 1,
      'switchboard_returns_total{outcome="node_lost"}': 0,
    });
  });

  it('has its unseen messages counted where it ends', async () => {
    const [ann, bob] = [await connectResuming(server.url), await connect(server.url)];
    await lose(ann);
    bob.send({ type: 'chat', receiver: ann.id, id: '1' });
    expect((await bob.next('sys.ack')).data).toEqual({ status: 'held' });
    await callApi(server, 'DELETE', `/sessions/${ann.id}`);
    expect((await bob.next('sys.undelivered')).data).toEqual({ receiver: ann.id });
    expect(await scrape()).toMatchObject({ switchboard_undelivered_total: 1 });
  });

  it('ends first over RESUME_BUDGET_BYTES, and its client gets the reason', async () => {
    await server.stop();
    server = await startServer({ RESUME_BUDGET_BYTES: '100000', API_KEYS: API_KEY });
    const [first, second] = [await connectResuming(server.url), await connectResuming(server.url)];
    for (const client of [first, second]) await lose(client);
    const message = { type: 'x', receiver: second.id, data: 'x'.repeat(60_000) };
    for (let count = 0; count < 2; count++)
      await callApi(server, 'POST', '/messages', { body: JSON.stringify(message) });
    expect(await scrape()).toMatchObject({ 'switchboard_sessions_away_ended_total{how="overflow"}': 2 });
    for (const client of [first, second])
      expect((await connectResuming(server.url, [tokenOf(client), 0])).welcome.data).toMatchObject({
        reason: 'overflow',
      });
    expect(await scrape()).toMatchObject({ 'switchboard_returns_total{outcome="overflow"}': 2 });
  });

  it('has its unseen bytes in the metrics until they are seen', async () => {
    const ann = await connectResuming(server.url);
    ann.send({ type: 'sys.ping', data: 'x'.repeat(5000) });
    await ann.next('sys.pong');
    expect((await scrape())['switchboard_replay_bytes']).toBeGreaterThan(5000);
    ann.send({ type: 'sys.seen', data: { frames: 1 } });
    await expect.poll(async () => (await scrape())['switchboard_replay_bytes']).toBe(0);
  });

  it('takes no bytes of its lost connection out of the metrics', async () => {
    const ann = await connectResuming(server.url);
    ann.send({ type: 'sys.ping', data: 'x'.repeat(5000) });
    await ann.next('sys.pong');
    const before = await scrape();
    await lose(ann);
    const after = await scrape();
    for (const name of ['switchboard_received_bytes_total', 'switchboard_sent_bytes_total'])
      expect([name, after[name]! >= before[name]!]).toEqual([name, true]);
    const back = await connectResuming(server.url, [tokenOf(ann), 1]);
    await lose(back);
    expect((await scrape())['switchboard_sent_bytes_total']).toBeGreaterThan(after['switchboard_sent_bytes_total']!);
  });
});

describe('the log', () => {
  let server: ServerProcess;
  afterEach(() => server.kill());

  it('has lost connections and returns at debug, and no token of them', async () => {
    server = await ServerProcess.start({ LOG_LEVEL: 'debug' });
    const ann = await connectResuming(server.url);
    ann.terminate();
    expect(await server.logged('away')).toMatchObject({ level: 'debug', session: ann.id, code: 1006 });
    const back = await connectResuming(server.url, [tokenOf(ann), 0]);
    expect(await server.logged('back')).toMatchObject({ level: 'debug', session: ann.id });
    await back.close(1000);
    await server.logged('departed');
    const lines = JSON.stringify(server.lines);
    for (const client of [ann, back]) expect(lines).not.toContain(tokenOf(client).slice(24));
  });
});
