import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { range, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { OPCODE } from '../../src/protocol/index.js';
import type { Client } from '../support/client.js';
import { clientFrame } from '../support/client-frames.js';
import { ResumableClient } from '../support/resumable-client.js';
import { LANES, QUIET } from '../support/resume.js';
import { startServer, type TestServer } from '../support/server.js';
import { threadTimeMs } from '../support/thread-clock.js';

/** The protocol's limits: a side reports what it has received at the latest after these. */
const DUE = { frames: 64, bytes: 65_536, ms: 5000 };

@MessagingGateway()
class CountGateway {
  /** Answers with so many messages. */
  @SubscribeMessage('c.range')
  answers(@MessageBody() count: number): Observable<number> {
    return range(1, count);
  }
}

@Module({ providers: [CountGateway] })
class CountModule {}

describe.each(LANES)('counting frames (FAST_LANE=%s)', (FAST_LANE) => {
  let server: TestServer;
  let bob: Client;
  let ann: ResumableClient;
  afterEach(() => server.stop());

  /** Starts a server with a resumable client that reports only on request. */
  async function start(variables: Record<string, string> = {}): Promise<void> {
    server = await startServer({ ...QUIET, FAST_LANE, ...variables }, [CountModule]);
    bob = await server.connect();
    ann = await ResumableClient.open(server, { reports: 'on request' });
  }

  /** Returns how many frames the server has received, by the welcome of a return. */
  async function received(): Promise<number> {
    ann.cut();
    return ((await ann.resume()).data as { received: number }).received;
  }

  const seenFrames = (): number[] =>
    ann.seen.map((text) => (JSON.parse(text) as { data: { frames: number } }).data.frames);
  const send = (receiver: string, count: number, data: unknown = null): void => {
    for (let number = 0; number < count; number++) ann.send({ type: 'm', receiver, data });
  };

  describe('by the server', () => {
    it.each([
      ['64 frames', 64, null],
      ['64 KiB', 3, 'x'.repeat(30_000)],
    ])('is reported by sys.seen after %s at the latest', async (_, count, data) => {
      await start();
      const startMs = threadTimeMs();
      send(bob.id, count, data);
      await expect.poll(seenFrames, { interval: 5 }).not.toEqual([]);
      expect(threadTimeMs() - startMs).toBeLessThan(DUE.ms - 1000);
      const [first] = ann.seen;
      const frames = seenFrames()[0]!;
      expect(JSON.parse(first!)).toEqual({ type: 'sys.seen', sender: 'server', receiver: ann.id, data: { frames } });
      expect(frames).toBeGreaterThanOrEqual(1);
      expect(frames).toBeLessThanOrEqual(count);
    });

    it('is reported after 48 frames with an answer, in the same write', async () => {
      await start();
      for (let number = 0; number < 47; number++) await ann.ping();
      expect(seenFrames()).toEqual([]);
      await ann.ping();
      expect(seenFrames()).toEqual([48]); // no turn has passed since the pong was read
    });

    it('is reported in rising numbers, and no more often than there are frames', async () => {
      await start();
      send(bob.id, 1000);
      await ann.ping();
      await expect.poll(() => seenFrames().at(-1)).toBeGreaterThanOrEqual(1001 - DUE.frames);
      const frames = seenFrames();
      expect(frames).toEqual([...new Set(frames)].toSorted((one, other) => one - other));
      expect(frames.length).toBeLessThanOrEqual(1001);
    });

    it('includes each text frame, refused ones too', async () => {
      await start();
      expect(await received()).toBe(0);
      send(bob.id, 2);
      send('*', 1);
      send('nobody', 1);
      for (const text of ['no JSON', '[]', '{"type":"sys.nothing"}', '{"type":"c.range","data":2}']) ann.sendText(text);
      await ann.ping();
      expect(await received()).toBe(9);
    });

    it('includes a message in fragments once', async () => {
      await start();
      ann.line.sendFragments(`{"type":"m","rec`, `eiver":"${bob.id}",`, `"data":1}`);
      expect((await bob.next('m')).data).toBe(1);
      await ann.ping();
      expect(await received()).toBe(2);
    });

    it('includes neither sys.seen nor pings and pongs', async () => {
      await start();
      for (let count = 0; count < 3; count++) await ann.ping();
      for (const frames of [1, 2]) ann.line.report(frames);
      for (const opcode of [OPCODE.ping, OPCODE.pong]) ann.connection.write(clientFrame('x', { opcode }));
      await ann.ping();
      expect(await received()).toBe(4);
    });

    it('does not include a message that was cut', async () => {
      await start();
      send(bob.id, 3);
      await ann.ping();
      ann.line.sendPart(`{"type":"m","receiver":"${bob.id}","data":"cut"}`, 20);
      expect(await received()).toBe(4);
      await ann.ping();
      await bob.settled();
      expect(bob.inbox.map(({ data }) => data as unknown)).toEqual([null, null, null, 'cut']);
    });
  });

  describe('by the client', () => {
    it('is reported by sys.seen, which is never answered', async () => {
      await start();
      for (let count = 0; count < 2; count++) await ann.ping();
      for (const frames of [1, 2]) ann.line.report(frames);
      await ann.ping();
      expect([ann.inbox, ann.line.received]).toEqual([[], 3]);
    });

    it('is not charged to rates', async () => {
      await start({ MESSAGES_PER_SECOND: '10', BYTES_PER_SECOND: '1000' });
      expect(await ann.requestAll('c.range', 300)).toHaveLength(300);
      for (let frames = 1; frames <= 300; frames++) ann.line.report(frames);
      await ann.ping();
      send(bob.id, 10);
      await ann.ping();
      expect(ann.inbox).toEqual([]);
    });

    it('is an invalid message where frames is no whole number', async () => {
      await start();
      for (const frames of [1.5, -1, '1', null, true, [1], {}, 1e21]) {
        await ann.ping();
        ann.line.report(frames);
        const error = await ann.next('sys.error');
        expect(error).toMatchObject({ sender: 'server', receiver: ann.id, data: { code: 'invalid_message' } });
        expect(error).not.toHaveProperty('ref');
        await ann.ping();
        expect(ann.inbox).toEqual([]);
      }
    });

    it('is an invalid message where frames is more than were sent', async () => {
      await start();
      await ann.ping();
      await ann.ping();
      ann.line.report(3);
      expect((await ann.next('sys.error')).data).toMatchObject({ code: 'invalid_message' });
      ann.line.report(3); // the error is the third
      await ann.ping();
      expect(ann.inbox).toEqual([]);
    });

    it('is an invalid message where it is reported more often than frames were sent', async () => {
      await start();
      ann.line.report(0);
      expect((await ann.next('sys.error')).data).toMatchObject({ code: 'invalid_message' });
      expect(await ann.requestAll('c.range', 5)).toHaveLength(5);
      for (let count = 0; count < 20; count++) ann.line.report(1);
      await ann.ping();
      expect(ann.inbox.length).toBeGreaterThanOrEqual(5);
      for (const { data } of ann.inbox) expect(data).toMatchObject({ code: 'invalid_message' });
    });

    it('is a fault where it is invalid', async () => {
      await start({ FAULTS_PER_MINUTE: '3' });
      for (let count = 0; count < 4; count++) ann.line.report(1000);
      expect(await ann.connection.closed).toEqual({ code: 1008, reason: 'policy' });
    });
  });
});
