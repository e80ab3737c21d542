import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { ask, HANDSHAKE } from '../support/ask.js';
import { connect } from '../support/client.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { answerTo, flood, StalledReader } from '../support/stalled-reader.js';

describe('metrics', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer({ EVENT_LOOP_DELAY_MS: '10000' });
  });
  afterEach(() => server.stop());

  /** Returns the samples by name with labels. */
  async function scrape(): Promise<Record<string, number>> {
    const { status, headers, body } = await ask(`http://127.0.0.1:${server.port}/metrics`);
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => !line.startsWith('switchboard_'))).toEqual([]);
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  }

  it('count sessions that open and end, by close code', async () => {
    const [ann, bob, cat] = [await connect(server.url), await connect(server.url), await connect(server.url)];
    expect(await scrape()).toMatchObject({ switchboard_sessions: 3, switchboard_sessions_opened_total: 3 });
    await bob.close(1000);
    cat.socket.send(Buffer.from([1]));
    await cat.closed;
    await ann.next('sys.departed');
    await ann.next('sys.departed');
    expect(await scrape()).toMatchObject({
      switchboard_sessions: 1,
      'switchboard_sessions_closed_total{code="1000"}': 1,
      'switchboard_sessions_closed_total{code="1003"}': 1,
      'switchboard_handshakes_total{outcome="accepted"}': 3,
    });
  });

  it('begin at 0, so that an alert sees the first event', async () => {
    expect(await scrape()).toMatchObject({
      'switchboard_sessions_closed_total{code="1013"}': 0,
      'switchboard_sessions_closed_total{code="4100"}': 0,
      'switchboard_handshakes_total{outcome="full"}': 0,
      'switchboard_messages_refused_total{code="internal_error"}': 0,
      'switchboard_limited_total{what="refused.full"}': 0,
      'switchboard_limited_total{what="answered.rate_limited"}': 0,
    });
  });

  it.each(['on', 'off'])('count messages on the fast and the slow path (FAST_LANE=%s)', async (FAST_LANE) => {
    await server.stop();
    server = await startServer({ FAST_LANE });
    const [ann, bob] = [await connect(server.url), await connect(server.url)];
    await connect(server.url);
    ann.send({ type: 'chat', receiver: bob.id });
    ann.send({ type: 'chat', receiver: '*' });
    ann.send({ type: 'chat', receiver: 'nobody', id: 'n' });
    ann.send({ type: 'demo.sum', id: 's', data: { numbers: [1, 2] } });
    await ann.next('sys.ack');
    const { switchboard_received_bytes_total: bytesIn, ...samples } = await scrape();
    expect(samples).toMatchObject({
      switchboard_messages_received_total: 4,
      switchboard_messages_routed_total: 1,
      switchboard_messages_broadcast_total: 1,
      switchboard_messages_delivered_total: 3,
      'switchboard_messages_refused_total{code="receiver_not_found"}': 1,
      'switchboard_fanout_bucket{le="1"}': 0,
      'switchboard_fanout_bucket{le="10"}': 1,
      switchboard_fanout_sum: 2,
      'switchboard_handler_seconds_count{type="demo.sum"}': 1,
    });
    expect(bytesIn).toBeGreaterThan(100);
  });

  it('show the bytes buffered for a slow reader, their maximum, and skipped deliveries', async () => {
    await server.stop();
    server = await startServer({ OUTBOX_HIGH_WATER_BYTES: '100000' });
    const [ann, slow] = [await connect(server.url), await StalledReader.open(server)];
    await flood(ann, slow.id, 30_000, ({ refused }) => refused.length > 0);
    ann.send({ type: 'all', receiver: '*', id: 'all' });
    expect((await answerTo(ann, 'all')).data).toEqual({ status: 'accepted', skipped: 1 });
    const { switchboard_buffered_bytes: buffered, ...samples } = await scrape();
    expect(buffered).toBe(slow.waitingBytes);
    expect(buffered).toBeGreaterThan(100_000);
    expect(samples).toMatchObject({ switchboard_messages_shed_total: 1 });
    await slow.readUntil(() => slow.waitingBytes === 0);
    expect(await scrape()).toMatchObject({
      switchboard_buffered_bytes: 0,
      switchboard_buffered_bytes_max: expect.closeTo(buffered!, -4),
    });
    slow.client.socket.destroy();
  });

  it('show the delay of the event loop', async () => {
    const [max, p99] = ['max', 'p99'].map((which) => `switchboard_event_loop_delay_${which}_seconds`) as [
      string,
      string,
    ];
    let samples = await scrape();
    // The delay is sampled, so that the first block may come before the first sample.
    while (samples[max]! < 0.2) {
      for (const end = performance.now() + 300; performance.now() < end;);
      samples = await scrape();
    }
    expect(samples[p99]).toBeLessThanOrEqual(samples[max]!);
  });

  it('show that the node drains and how many sessions were cut', async () => {
    await server.stop();
    server = await startServer({ DRAIN_TIMEOUT_MS: '1000' });
    const mute = await RawClient.open(server.port);
    expect(await scrape()).toMatchObject({ switchboard_draining: 0, switchboard_drain_cut_total: 0 });
    const drained = server.app.get(Drain).run();
    expect(await scrape()).toMatchObject({ switchboard_draining: 1 });
    await drained;
    expect(await scrape()).toMatchObject({ switchboard_draining: 1, switchboard_drain_cut_total: 1 });
    mute.socket.destroy();
  });

  it('keep the bytes of ended sessions', async () => {
    const ann = await connect(server.url);
    ann.send({ type: 'sys.ping', data: 'x'.repeat(5000) });
    await ann.next('sys.pong');
    const before = await scrape();
    await ann.close();
    const after = await scrape();
    expect(after['switchboard_received_bytes_total']).toBeGreaterThanOrEqual(
      before['switchboard_received_bytes_total']!,
    );
    expect(after['switchboard_sent_bytes_total']).toBeGreaterThan(5000);
  });

  it('count rejected handshakes by code', async () => {
    const origin = `http://127.0.0.1:${server.port}`;
    await ask(`${origin}/wss`, { headers: { ...HANDSHAKE, 'Sec-WebSocket-Key': 'x' } });
    await ask(`${origin}/another-path`, { headers: HANDSHAKE });
    await ask(`${origin}/wss`);
    expect(await scrape()).toMatchObject({
      'switchboard_handshakes_total{outcome="bad_handshake"}': 1,
      'switchboard_handshakes_total{outcome="not_found"}': 1,
      'switchboard_handshakes_total{outcome="upgrade_required"}': 1,
    });
  });

  it('count handshakes and messages that limits refused', async () => {
    await server.stop();
    server = await startServer({ MAX_CONNECTIONS: '1', FAULTS_PER_MINUTE: '100', MESSAGES_PER_SECOND: '1' });
    const ann = await connect(server.url);
    const [full, malformed, limited] = ['refused.full', 'answered.malformed_json', 'answered.rate_limited'].map(
      (what) => `switchboard_limited_total{what="${what}"}`,
    ) as [string, string, string];
    const before = await scrape();
    expect((await ask(`http://127.0.0.1:${server.port}/wss`, { headers: HANDSHAKE })).status).toBe(503);
    ann.sendText('{');
    await ann.next('sys.error');
    for (let answer = ''; answer !== 'rate_limited';) {
      ann.send({ type: 'chat', receiver: 'nobody' });
      answer = (await ann.next('sys.error')).data.code;
    }
    const after = await scrape();
    expect([full, malformed, limited].map((name) => after[name]! - (before[name] ?? 0))).toEqual([1, 1, 1]);
    expect(after).toMatchObject({
      'switchboard_handshakes_total{outcome="full"}': 1,
      'switchboard_messages_refused_total{code="rate_limited"}': 1,
    });
  });

  it('count pings over the rate, which get no answer, as limited', async () => {
    await server.stop();
    server = await startServer({ MESSAGES_PER_SECOND: '1' });
    const ann = await connect(server.url);
    for (let ping = 0; ping < 20; ping++) ann.socket.ping();
    ann.send({ type: 'sys.ping' });
    expect((await ann.next('sys.error')).data.code).toBe('rate_limited');
    const samples = await scrape();
    expect(samples['switchboard_messages_refused_total{code="rate_limited"}']).toBe(1);
    expect(samples['switchboard_limited_total{what="answered.rate_limited"}']).toBeGreaterThan(10);
  });
});

describe('readiness', () => {
  it('is false while the event loop is late, with the reason', async () => {
    const server = await startServer({ EVENT_LOOP_DELAY_MS: '10' });
    const url = `http://127.0.0.1:${server.port}/health/ready`;
    let answer = await ask(url);
    for (let turn = 0; turn < 50 && answer.status === 200; turn++) {
      for (const end = performance.now() + 60; performance.now() < end;);
      answer = await ask(url);
    }
    await server.stop();
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'error', error: { eventLoop: { boundMs: 10 } } });
  });
});
