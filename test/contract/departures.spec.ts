import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPCODE } from '../../src/protocol/index.js';
import { connect, type Client } from '../support/client.js';
import { clientFrame, closeFrame, envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
const start = async (variables: Record<string, string> = {}): Promise<void> => {
  server = await startServer(variables);
};
afterEach(() => server.stop());

describe('an arrival notice', () => {
  it('is sent to all other sessions, not to the session itself', async () => {
    await start();
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    const carol = await connect(server.url);
    const arrived = (sender: string) => ({ type: 'sys.arrived', sender, receiver: '*' });
    expect(await alice.next()).toEqual(arrived(bob.id));
    expect(await alice.next()).toEqual(arrived(carol.id));
    expect(await bob.next()).toEqual(arrived(carol.id));
    for (const client of [alice, bob, carol]) await client.settled();
    expect([alice, bob, carol].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('is not sent with ARRIVAL_NOTICES=off', async () => {
    await start({ ARRIVAL_NOTICES: 'off' });
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    bob.send({ type: 'x', receiver: alice.id });
    expect((await alice.next()).type).toBe('x');
    await bob.close();
    expect((await alice.next()).type).toBe('sys.departed');
  });
});

describe('a departure notice', () => {
  let alice: Client;
  let bob: Client;

  beforeEach(async () => {
    await start({ ARRIVAL_NOTICES: 'off', HEARTBEAT_MS: '60000', MAX_MESSAGE_BYTES: '4096' });
    alice = await connect(server.url);
    bob = await connect(server.url);
  });

  /** Expects exactly one notice for each of the two sessions, after the messages sent before; returns its code. */
  const departed = async (id: string, messages: readonly number[] = []): Promise<number> => {
    const codes: number[] = [];
    for (const client of [alice, bob]) {
      const notice = await client.next('sys.departed');
      expect(notice).toEqual({
        type: 'sys.departed',
        sender: id,
        receiver: '*',
        data: { code: expect.any(Number) as number },
      });
      codes.push((notice.data as { code: number }).code);
      expect(client.inbox.splice(0).map(({ data }) => data as number)).toEqual(messages);
    }
    const next = await connect(server.url);
    await next.close(4321);
    for (const client of [alice, bob]) {
      expect(await client.next()).toMatchObject({ type: 'sys.departed', sender: next.id });
      await client.settled();
      expect(client.inbox).toEqual([]);
    }
    expect(codes[0]).toBe(codes[1]);
    return codes[0]!;
  };
  const broadcast = (data: number): Buffer => envelopeFrame({ type: 'n', receiver: '*', data });

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4101, 4999])(
    'has the code of a close frame, %i, which the server echoes',
    async (code) => {
      const raw = await RawClient.open(server.port);
      raw.write(broadcast(1), broadcast(2), closeFrame(code, 'bye'), broadcast(3));
      expect(await departed(raw.id, [1, 2])).toBe(code);
      expect(await raw.closed()).toMatchObject({ code });
      raw.socket.destroy();
    },
  );

  it('has the code 1005 after an empty close frame', async () => {
    const raw = await RawClient.open(server.port);
    raw.write(broadcast(1), closeFrame());
    expect(await departed(raw.id, [1])).toBe(1005);
    expect((await raw.closed()).code).toBeUndefined();
    raw.socket.destroy();
  });

  it.each([
    ['ended', (raw: RawClient) => raw.socket.end()],
    ['cut', (raw: RawClient) => raw.socket.destroy()],
    ['reset', (raw: RawClient) => raw.socket.resetAndDestroy()],
  ])('has the code 1006 after a connection is %s', async (_, cut) => {
    const raw = await RawClient.open(server.port);
    raw.write(broadcast(1));
    expect((await alice.next('n')).sender).toBe(raw.id);
    expect((await bob.next('n')).sender).toBe(raw.id);
    cut(raw);
    expect(await departed(raw.id)).toBe(1006);
    raw.socket.destroy();
  });

  it('has the code 1006 after a cut inside a frame or message, which is discarded', async () => {
    for (const bytes of [broadcast(9).subarray(0, 9), clientFrame('{"type":"n","receiver":"*"}', { final: false })]) {
      const raw = await RawClient.open(server.port);
      raw.write(broadcast(1), bytes);
      await alice.next('n');
      await bob.next('n');
      raw.socket.destroy();
      expect(await departed(raw.id)).toBe(1006);
    }
  });

  it.each([
    ['an unmasked frame', clientFrame('{}', { mask: undefined }), 1002],
    ['a reserved bit', clientFrame('{}', { reserved: 4 }), 1002],
    ['binary', clientFrame('{}', { opcode: OPCODE.binary }), 1003],
    ['invalid UTF-8', clientFrame(Buffer.from([0xc3, 0x28])), 1007],
    ['a message over the limit', clientFrame('x'.repeat(4097)), 1009],
  ])('has the close code of the server after %s', async (_, fault, code) => {
    const raw = await RawClient.open(server.port);
    raw.write(broadcast(1), broadcast(2), fault, broadcast(3), closeFrame(1000), broadcast(4));
    expect(await departed(raw.id, [1, 2])).toBe(code);
    expect((await raw.closed()).code).toBe(code);
    raw.socket.destroy();
  });

  it('means that the session is unreachable and unlisted', async () => {
    const raw = await RawClient.open(server.port);
    raw.write(closeFrame(1000));
    expect(await departed(raw.id)).toBe(1000);
    alice.send({ type: 'x', receiver: raw.id, id: 'm' });
    expect(await alice.next()).toMatchObject({ ref: 'm', data: { code: 'receiver_not_found' } });
    alice.send({ type: 'sys.who' });
    expect((await alice.next()).data).toEqual({ sessions: [alice.id, bob.id].toSorted(), total: 2 });
    raw.socket.destroy();
  });

  it('is sent once to each session when half of them leave at the same time', async () => {
    const crowd = await Promise.all(Array.from({ length: 20 }, () => connect(server.url)));
    const leaving = crowd.filter((_, index) => index % 2 === 0);
    await Promise.all(leaving.map((client, index) => client.close(4000 + index)));
    const expected = leaving.map(({ id }, index) => `${id} ${4000 + index}`).toSorted();
    for (const client of [alice, ...crowd.filter((each) => !leaving.includes(each))]) {
      const notices: string[] = [];
      for (let count = 0; count < expected.length; count++) {
        const { sender, data } = await client.next('sys.departed');
        notices.push(`${sender} ${(data as { code: number }).code}`);
      }
      expect(notices.toSorted()).toEqual(expected);
      await client.settled();
      expect(client.inbox).toEqual([]);
    }
  });
});

describe('the scope of departure notices', () => {
  it('includes sessions that exchanged a message, with NOTICE_SCOPE=peers', async () => {
    await start({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'peers' });
    const [alice, bob, carol, dora] = (await Promise.all([1, 2, 3, 4].map(() => connect(server.url)))) as [
      Client,
      Client,
      Client,
      Client,
    ];
    alice.send({ type: 'x', receiver: dora.id });
    dora.send({ type: 'x', sender: 'forged', receiver: bob.id });
    await Promise.all([dora.next('x'), bob.next('x')]);
    await dora.close(1000);
    for (const client of [alice, bob])
      expect(await client.next()).toMatchObject({ type: 'sys.departed', sender: dora.id, data: { code: 1000 } });
    for (const client of [alice, bob, carol]) await client.settled();
    expect([alice, bob, carol].map(({ inbox }) => inbox)).toEqual([[], [], []]);
  });

  it('includes sessions that exchanged a message through a handler, with NOTICE_SCOPE=peers', async () => {
    await start({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'peers' });
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    bob.send({ type: 'demo.typing', data: { to: alice.id, typing: true } });
    expect(await alice.next()).toMatchObject({ type: 'demo.typing', sender: bob.id });
    await bob.close();
    expect(await alice.next()).toMatchObject({ type: 'sys.departed', sender: bob.id });
  });

  it('includes the members of the rooms of the session, which get sys.left only, with NOTICE_SCOPE=rooms', async () => {
    await start({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'rooms' });
    const [alice, bob, carol] = (await Promise.all([1, 2, 3].map(() => connect(server.url)))) as [
      Client,
      Client,
      Client,
    ];
    for (const client of [bob, alice]) {
      client.send({ type: 'sys.join', receiver: '#garden', id: 'j' });
      await client.next('sys.members');
    }
    await bob.next('sys.joined');
    await alice.settled(); // so that the node of alice knows this member
    alice.send({ type: 'x', receiver: carol.id });
    alice.send({ type: 'x', receiver: '#garden' });
    await Promise.all([bob.next('x'), carol.next('x')]);
    await alice.close(1000);
    expect(await bob.next()).toEqual({ type: 'sys.left', sender: alice.id, receiver: '#garden', data: { code: 1000 } });
    for (const client of [bob, carol]) await client.settled();
    expect([bob, carol].map(({ inbox }) => inbox)).toEqual([[], []]);
  });

  it('includes no session without a room, with NOTICE_SCOPE=rooms; arrivals are announced to all', async () => {
    await start({ NOTICE_SCOPE: 'rooms' });
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    expect(await alice.next()).toMatchObject({ type: 'sys.arrived', sender: bob.id });
    await bob.close(1000);
    alice.send({ type: 'x', receiver: bob.id, id: 'm' });
    expect(await alice.next()).toMatchObject({ ref: 'm', data: { code: 'receiver_not_found' } });
    await alice.settled();
    expect(alice.inbox).toEqual([]);
  });

  it('is empty with NOTICE_SCOPE=none', async () => {
    await start({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' });
    const alice = await connect(server.url);
    const bob = await connect(server.url);
    bob.send({ type: 'x', receiver: alice.id });
    await alice.next('x');
    await bob.close();
    alice.send({ type: 'x', receiver: bob.id, id: 'm' });
    expect(await alice.next()).toMatchObject({ ref: 'm', data: { code: 'receiver_not_found' } });
    await alice.settled();
    expect(alice.inbox).toEqual([]);
  });
});
