import { afterEach, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import type { Client } from '../support/client.js';
import { clientFrame } from '../support/client-frames.js';
import { ResumableClient } from '../support/resumable-client.js';
import type { Resumption } from '../support/resumable-line.js';
import { cutAndAwait, entryOf, kick, refusalOf, sendTo, untilAway } from '../support/resume.js';
import { gather, left, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let bob: Client;
let ann: ResumableClient;
afterEach(() => server.stop());

async function start(variables: Record<string, string> = {}): Promise<void> {
  server = await startServer({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'all', AWAY_NOTICE_MS: '0', ...variables });
  bob = await server.connect();
  ann = await ResumableClient.open(server);
}

const departed = (code: number): object => ({ type: 'sys.departed', sender: ann.id, receiver: '*', data: { code } });

/** Checks that the session has ended for the others, and for its client. */
async function expectEnded(code: number, reason = 'ended'): Promise<void> {
  expect(await bob.next()).toEqual(departed(code));
  expect(await sendTo(bob, ann.id)).toMatchObject({ code: 'receiver_not_found' });
  expect(await entryOf(bob, ann.id)).toBeUndefined();
  expect(await refusalOf(server, ann.token)).toBe(reason);
  await bob.next('sys.departed'); // of the attempt
  await settle(bob);
  expect(bob.inbox).toEqual([]);
}

describe('a session ends at once', () => {
  it.each([1000, 1001])('where the client closes with %s', async (code) => {
    await start();
    expect((await ann.close(code)).code).toBe(code);
    await expectEnded(code);
  });

  it.each<[string, Buffer, number]>([
    ['an unmasked frame', clientFrame('{}', { mask: undefined }), 1002],
    ['a binary message', clientFrame('{}', { opcode: OPCODE.binary }), 1003],
    ['text that is not UTF-8', clientFrame(Buffer.from([0xc3, 0x28])), 1007],
    ['a message that is too big', clientFrame('x'.repeat(65_537)), 1009],
  ])('where the server closes its connection for %s', async (_, frame, code) => {
    await start({ MAX_MESSAGE_BYTES: '65536' });
    ann.connection.write(frame);
    expect((await ann.connection.closed).code).toBe(code);
    await expectEnded(code);
  });

  it('where the server closes its connection for too many faults', async () => {
    await start({ FAULTS_PER_MINUTE: '2' });
    for (let count = 0; count < 3; count++) ann.sendText('no JSON');
    expect(await ann.connection.closed).toEqual({ code: 1008, reason: 'policy' });
    await expectEnded(1008);
  });

  it('where server code closes it', async () => {
    await start();
    await kick(server, ann);
    expect(await ann.connection.closed).toEqual({ code: 4000, reason: 'kicked' });
    await expectEnded(4000);
  });

  it('where a client closes while its messages are on their way, after the last of them', async () => {
    await start();
    await gather('garden', ann, bob);
    for (let data = 0; data < 20; data++) ann.send({ type: 'm', receiver: ['*', '#garden', bob.id][data % 3], data });
    await ann.close(1000);
    for (let data = 0; data < 20; data++) expect(await bob.next()).toMatchObject({ type: 'm', data });
    expect(await bob.next()).toEqual(left(ann.id, 'garden', 1000));
    await expectEnded(1000);
  });
});

describe('a session is away, and its departure is not notified,', () => {
  /** Checks that the session comes back as it was. */
  async function expectBack(): Promise<void> {
    await untilAway(bob, ann.id);
    const { id } = ann;
    const { receiver, data } = await ann.resume();
    expect([receiver, (data as Resumption).resumed]).toEqual([id, true]);
    await settle(ann, bob);
    expect([ann.inbox, bob.inbox]).toEqual([[], []]);
  }

  it.each(['reset', 'end'] as const)('where its connection is cut (%s)', async (cut) => {
    await start();
    ann.cut(cut);
    await expectBack();
  });

  it('where the client closes with another code, or without one', async () => {
    await start();
    for (const code of [undefined, 1002, 1011, 1012, 3000, 4000, 4101, 4999]) {
      expect((await ann.leave(code)).code).toBe(code ?? 1005);
      await expectBack();
    }
  });

  it('where server code closes its connection with 1012', async () => {
    await start();
    await server.app.get(Switchboard, { strict: false }).closeAnywhere(ann.id, 1012);
    expect((await ann.connection.closed).code).toBe(1012);
    await expectBack();
  });

  it('where the server closes its silent connection with 4101', async () => {
    await start({ HEARTBEAT_MS: '200' });
    ann.cut('silence');
    await expectBack();
  });
});

describe('a session that is away ends', () => {
  const WINDOW = { RESUME_WINDOW_MS: '300' };

  it('when RESUME_WINDOW_MS is over', async () => {
    await start(WINDOW);
    const startMs = performance.now();
    ann.cut();
    expect(await bob.next()).toEqual(departed(1006));
    expect(performance.now() - startMs).toBeGreaterThan(295);
    expect(await sendTo(bob, ann.id)).toMatchObject({ code: 'receiver_not_found' });
    expect(await refusalOf(server, ann.token)).toBe('expired');
  });

  it.each([
    ['without a code', undefined, 1005],
    ['with 4321', 4321, 4321],
  ])('with the code of its loss, where the client closed %s', async (_, code, expected) => {
    await start(WINDOW);
    await gather('garden', ann, bob);
    await ann.leave(code);
    expect(await bob.next()).toEqual(left(ann.id, 'garden', expected));
    expect(await bob.next()).toEqual(departed(expected));
  });

  it('with 4101 where it missed a heartbeat', async () => {
    await start({ ...WINDOW, HEARTBEAT_MS: '200' });
    ann.cut('silence');
    expect(await bob.next()).toEqual(departed(4101));
  });

  it('a whole window after its last return', async () => {
    await start(WINDOW);
    for (let round = 0; round < 3; round++) {
      await cutAndAwait(ann, bob);
      expect(((await ann.resume()).data as Resumption).resumed).toBe(true);
    }
    const startMs = performance.now();
    ann.cut();
    expect(await bob.next()).toEqual(departed(1006));
    expect(performance.now() - startMs).toBeGreaterThan(295);
  });

  it('never while it is connected', async () => {
    await start(WINDOW);
    ann.cut();
    await ann.resume();
    const eve = await ResumableClient.open(server);
    eve.cut(); // its window ends after that of the first absence
    expect(await bob.next()).toMatchObject({ type: 'sys.departed', sender: eve.id });
    expect(await sendTo(bob, ann.id)).toEqual({ status: 'routed' });
  });

  it('where the server kicks it', async () => {
    await start();
    await gather('garden', ann, bob);
    await cutAndAwait(ann, bob);
    await kick(server, ann);
    expect(await bob.next()).toEqual(left(ann.id, 'garden', 4000));
    await expectEnded(4000);
  });
});
