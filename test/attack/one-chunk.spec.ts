import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { FrameTracker } from '../../src/gateway/frames/frame-tracker.js';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { FREE_FRAGMENTS, OPCODE } from '../../src/protocol/index.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame, closeFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';
import { FakeConnection } from '../support/sessions.js';
import { StalledReader } from '../support/stalled-reader.js';

const MARK = 1_048_576;
const PRESENT = 1500;
const REQUESTS = 400;
/** More than one page of 1,000 sessions with their users. */
const PAGE_BYTES = 200_000;
/** Bytes that the server writes to one session in a turn before it reads on in the next turn. */
const TURN_BYTES = 1_048_576;
/** Messages of one session that the server refuses in a turn. Two turns may pass between two checks of a test. */
const TURN_REFUSALS = 64;
/** Messages of 64 fragments of one session that the server reads in a turn. */
const TURN_FRAGMENTED = 4;

describe.each(['on', 'off'])('many requests in one write, fast lane %s,', { timeout: 60_000 }, (FAST_LANE) => {
  let server: TestServer;
  let pair: readonly [Client, Client];
  afterEach(() => server.stop());

  async function start(variables: Record<string, string> = {}): Promise<StalledReader> {
    server = await startServer({
      FAST_LANE,
      SHOW_USERS: 'on',
      ARRIVAL_NOTICES: 'off',
      OUTBOX_HIGH_WATER_BYTES: String(MARK),
      SLOW_CONSUMER_MS: '60000',
      ...variables,
    });
    pair = [await connect(server.url), await connect(server.url)];
    const registry = server.app.get(SessionRegistry);
    for (let count = 0; count < PRESENT; count++) {
      const user = `${count}-${'u'.repeat(60)}`;
      const session = registry.create({
        address: '',
        user,
        subject: undefined,
        claims: undefined,
        expiresAt: undefined,
      });
      session.attach(new FakeConnection());
      registry.open(session, Buffer.alloc(0) as never);
    }
    return StalledReader.open(server);
  }

  const who = (id: string): Buffer => clientFrame(`{"type":"sys.who","id":"${id}","data":{"limit":1000}}`);
  const requests = (): Buffer => Buffer.concat(Array.from({ length: REQUESTS }, (_, id) => who(String(id))));

  async function calm(rounds = 30): Promise<void> {
    const [ann, bob] = pair;
    for (let round = 0; round < rounds; round++) {
      ann.send({ type: 'calm', receiver: bob.id, data: round });
      expect((await bob.next('calm')).data).toBe(round);
    }
  }

  function refs(stalled: StalledReader): (string | undefined)[] {
    return stalled.read().map(({ ref }) => ref);
  }

  const numbers = (length: number): string[] => Array.from({ length }, (_, id) => String(id));

  it('fill the outbox up to its high-water mark, and the rest is answered in order once the client reads', async () => {
    const stalled = await start();
    stalled.client.socket.write(Buffer.concat([requests(), clientFrame('{"type":"last","receiver":"*"}')]));
    await calm();
    expect(stalled.waitingBytes).toBeGreaterThan(MARK);
    expect(stalled.waitingBytes).toBeLessThan(MARK + 2 * PAGE_BYTES);
    const last = pair[0].next('last');
    await stalled.readUntil(() => stalled.client.lines.length === REQUESTS);
    expect(refs(stalled)).toEqual(numbers(REQUESTS));
    expect((await last).sender).toBe(stalled.id);
  });

  it('are answered over several turns, so that other sessions are served in between', async () => {
    const stalled = await start({ OUTBOX_HIGH_WATER_BYTES: String(64 * MARK) });
    let before = stalled.socket.bytesWritten;
    let most = 0;
    stalled.client.socket.resume();
    stalled.client.socket.write(requests());
    while (stalled.client.lines.length < REQUESTS) {
      await tick();
      const { bytesWritten } = stalled.socket;
      most = Math.max(most, bytesWritten - before);
      before = bytesWritten;
    }
    expect(most).toBeLessThan(TURN_BYTES + 2 * PAGE_BYTES);
    expect(refs(stalled)).toEqual(numbers(REQUESTS));
  });

  it('are refused over several turns where they exceed the rate', async () => {
    const stalled = await start({ MESSAGES_PER_SECOND: '1', REFUSALS_PER_MINUTE: '0' });
    const { outbox } = stalled.session;
    let before = outbox.framesSent;
    let most = 0;
    stalled.client.socket.resume();
    stalled.client.socket.write(requests());
    while (stalled.client.lines.length < REQUESTS) {
      await tick();
      most = Math.max(most, outbox.framesSent - before);
      before = outbox.framesSent;
    }
    expect(most).toBeLessThanOrEqual(2 * TURN_REFUSALS);
    expect(refs(stalled)).toEqual(numbers(REQUESTS));
  });

  it.each(['open', 'closed'])(
    'are read over several turns where they come in many fragments, session %s',
    async (state) => {
      const stalled = await start();
      const socket = stalled.session.connection as GatewaySocket;
      const frameTracker = (socket.frameTracker = new FrameTracker());
      const empty = clientFrame('', { opcode: OPCODE.continuation, final: false });
      const fragmented = (id: number): Buffer[] => [
        clientFrame('', { final: false }),
        ...Array.from({ length: FREE_FRAGMENTS - 2 }, () => empty),
        clientFrame(`{"type":"sys.ping","id":"${id}"}`, { opcode: OPCODE.continuation }),
      ];
      if (state === 'closed') stalled.session.close(4000);
      let before = 0;
      let most = 0;
      stalled.client.socket.resume();
      stalled.client.socket.write(Buffer.concat(Array.from({ length: REQUESTS }, (_, id) => fragmented(id)).flat()));
      while (frameTracker.endedMessages < REQUESTS && !stalled.client.over) {
        await tick();
        most = Math.max(most, frameTracker.endedMessages - before);
        before = frameTracker.endedMessages;
      }
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(2 * TURN_FRAGMENTED + 1);
      if (state === 'closed') return;
      await stalled.readUntil(() => stalled.client.lines.length === REQUESTS);
      expect(refs(stalled)).toEqual(numbers(REQUESTS));
    },
  );

  it('are all answered where the client ends its half of the connection after them', async () => {
    const stalled = await start();
    stalled.client.socket.end(Buffer.concat([requests(), clientFrame(`{"type":"last","receiver":"${pair[0].id}"}`)]));
    await calm();
    expect(stalled.session.closed).toBe(false);
    const last = pair[0].next('last');
    await stalled.readUntil(() => stalled.client.over);
    expect(refs(stalled)).toEqual(numbers(REQUESTS));
    expect((await last).sender).toBe(stalled.id);
  });

  it('have no effect where the connection is cut while the rest waits', async () => {
    const stalled = await start();
    const { outbox } = stalled.session;
    stalled.client.socket.write(requests());
    await calm();
    const { framesSent } = outbox;
    let last = 0;
    server.app.get(SessionRegistry).addListener('hooks', { closed: () => (last = outbox.bufferedBytes) });
    stalled.client.socket.resetAndDestroy();
    expect((await pair[0].next('sys.departed')).data).toEqual({ code: 1006 });
    expect(last).toBeLessThan(MARK + 2 * PAGE_BYTES);
    expect(outbox.framesSent - framesSent).toBeLessThan(REQUESTS / 10);
    expect(server.app.get(SessionRegistry).slowConsumers.totalBytes).toBe(0);
  });

  it('are read up to the close frame that follows them', async () => {
    const stalled = await start();
    stalled.client.socket.write(Buffer.concat([requests(), closeFrame(4321)]));
    await calm();
    expect(stalled.session.closed).toBe(false);
    await stalled.readUntil(() => stalled.client.over);
    expect(refs(stalled).slice(0, REQUESTS)).toEqual(numbers(REQUESTS));
    expect((await pair[0].next('sys.departed')).data).toEqual({ code: 4321 });
  });

  it('are charged by the size of the answers', async () => {
    const stalled = await start({ BYTES_PER_SECOND: '1000000' });
    stalled.client.socket.resume();
    stalled.client.socket.write(requests());
    await stalled.readUntil(() => stalled.client.lines.length === REQUESTS);
    const pages = stalled.read().filter(({ type }) => type === 'sys.sessions');
    const refused = stalled.read().filter(({ type }) => type === 'sys.error');
    // The burst of four seconds, and what flows in during the test.
    expect(pages.length * 100_000).toBeLessThan(6_000_000);
    expect(refused.length).toBeGreaterThan(REQUESTS / 2);
    expect(refused[0]!.data).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) as number });
  });
});
